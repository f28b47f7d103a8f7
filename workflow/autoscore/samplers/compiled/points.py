"""Densities in closed form at one point, compiled by Numba: log p and its score.

A call of NumPy takes a microsecond, however few the points; one of these a few hundredths of it.
Code is compiled anew in each process, in a second or two: on disk it may be out of date, another
processor's, or in a folder that nobody may write to.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numba
import numpy as np
import sympy

from autoscore.densities.closed_forms import ClosedForm, Expressions, Kernels, Quadratics
from autoscore.numerics.expressions import coordinates

LARGEST = 2**53  # of the whole numbers in an expression: compiled ones have 64 bits
NEGLIGIBLE = 700.0  # exp(-700) of the largest term is lost in any sum

# Threads run side by side, and a division by zero gives an infinity, as NumPy's does.
fast = numba.njit(nogil=True, error_model="numpy")


class PointFunction(NamedTuple):
    """A compiled ``function(parameters, x, score)`` of a density.

    It returns log p at x, shape ``(d,)``, and writes the score there into `score`, ``(d,)``.
    """

    function: Callable[[np.ndarray, np.ndarray, np.ndarray], float]
    parameters: np.ndarray

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return log p, ``(n,)``, and scores, ``(n, d)``, at points of shape ``(n, d)``."""
        points = np.ascontiguousarray(x, dtype=float)
        scores = np.empty_like(points)
        rows = zip(points, scores, strict=True)
        return np.array([self.function(self.parameters, *row) for row in rows]), scores


def point_function(form: ClosedForm | None) -> PointFunction | None:
    """Return log p and its score as compiled code, or None where that is not possible."""
    match form:
        case Quadratics():
            return _of_quadratics(form)
        case Kernels():
            return _of_kernels(form)
        case Expressions():
            return _of_expressions(form)
    return None


def _of_quadratics(form: Quadratics) -> PointFunction:
    parts = [form.log_heights[:, None], form.means, form.precisions.reshape(len(form.means), -1)]
    return PointFunction(_quadratics, np.concatenate(parts, axis=1).ravel())


@fast
def _quadratics(parameters: np.ndarray, x: np.ndarray, score: np.ndarray) -> float:
    """Compute `Quadratics` from rows of h_k, mu_k and P_k."""
    d = len(x)
    highest, total, slope = -np.inf, 0.0, np.empty(d)
    score[:] = 0.0
    for height in range(0, len(parameters), 1 + d + d * d):
        exponent = parameters[height]
        _pull(parameters, height + 1, x, slope)
        for i in range(d):
            exponent += 0.5 * slope[i] * (x[i] - parameters[height + 1 + i])
        if _is_lost(exponent, highest):
            continue
        highest, total, share = _with_term(exponent, highest, total, score)
        for i in range(d):
            score[i] += share * slope[i]
    for i in range(d):
        score[i] /= total
    return highest + math.log(total)


@fast
def _pull(parameters: np.ndarray, mean: int, x: np.ndarray, slope: np.ndarray) -> None:
    """Write P (mu - x) into `slope`, where mu begins at `mean` and P after it."""
    d = len(x)
    slope[:] = 0.0
    for j in range(d):  # P is symmetric: going down its rows, the processor adds several at once
        offset, row = parameters[mean + j] - x[j], mean + d + j * d
        for i in range(d):
            slope[i] += parameters[row + i] * offset


@fast
def _with_term(
    exponent: float, highest: float, total: float, score: np.ndarray
) -> tuple[float, float, float]:
    """Return the new highest exponent, the sum of terms over its exponential, and the term's share.

    Where the term is the highest so far, what was summed is rescaled, the `score` in place.
    """
    if exponent > highest:
        factor = math.exp(highest - exponent)
        total *= factor
        for i in range(len(score)):
            score[i] *= factor
        highest = exponent
    share = math.exp(exponent - highest)
    return highest, total + share, share


@fast
def _is_lost(exponent: float, highest: float) -> bool:
    """Tell whether exp(exponent) is nothing beside the largest term; NaN is never lost."""
    return exponent < highest - NEGLIGIBLE or exponent == -np.inf


def _of_kernels(form: Kernels) -> PointFunction:
    rows = np.concatenate([np.log(form.weights)[:, None], form.points], axis=1).ravel()
    constant = -0.5 * form.points.shape[1] * np.log(2 * np.pi * form.bandwidth**2)
    return PointFunction(_kernels, np.concatenate([[form.bandwidth**-2, constant], rows]))


@fast
def _kernels(parameters: np.ndarray, x: np.ndarray, score: np.ndarray) -> float:
    """Compute `Kernels` from 1 / bandwidth^2, a constant, and rows of log w_k and point_k."""
    d, precision, constant = len(x), parameters[0], parameters[1]
    highest, total = -np.inf, 0.0
    score[:] = 0.0
    for weight in range(2, len(parameters), 1 + d):
        square = 0.0
        for i in range(d):
            square += (x[i] - parameters[weight + 1 + i]) ** 2
        exponent = parameters[weight] - 0.5 * precision * square
        if _is_lost(exponent, highest):
            continue
        highest, total, share = _with_term(exponent, highest, total, score)
        for i in range(d):
            score[i] += share * (parameters[weight + 1 + i] - x[i])
    for i in range(d):
        score[i] *= precision / total
    return highest + math.log(total) + constant


def _of_expressions(form: Expressions) -> PointFunction | None:
    function = _expressions(form.values, len(form.bounds))
    if function is None:
        return None
    return PointFunction(function, np.append(form.bounds.ravel(), form.log_normaliser))


@lru_cache(maxsize=64)  # several runs on a density share what was compiled
def _expressions(values: tuple[sympy.Expr, ...], dim: int) -> Callable | None:
    """Compile `Expressions`, or return None if they hold whole numbers that 64 bits cannot."""
    symbols = [sympy.Symbol(name, real=True) for name in coordinates(dim)]
    # the delta has no size away from its point
    whole = sympy.Tuple(*values).replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
    if any(max(abs(n.p), n.q) > LARGEST for n in whole.atoms(sympy.Rational)):
        return None
    at = fast(sympy.lambdify(symbols, whole, modules="numpy", cse=True))

    if dim == 1:

        @fast
        def function(parameters: np.ndarray, x: np.ndarray, score: np.ndarray) -> float:
            height, score[0] = at(x[0])
            return _bounded(height, parameters, x)

    else:

        @fast
        def function(parameters: np.ndarray, x: np.ndarray, score: np.ndarray) -> float:
            height, score[0], score[1] = at(x[0], x[1])
            return _bounded(height, parameters, x)

    return function


@fast
def _bounded(height: float, parameters: np.ndarray, x: np.ndarray) -> float:
    """Return the height minus log Z, -inf out of bounds; parameters are the bounds and log Z."""
    for i in range(len(x)):
        if not parameters[2 * i] <= x[i] <= parameters[2 * i + 1]:
            return -np.inf
    return height - parameters[-1]
