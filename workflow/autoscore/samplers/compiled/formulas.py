"""Densities in closed form at a block of points, compiled: log p and its score.

Points and scores have the shape ``(d, lanes)``: each line of arithmetic is a loop over the lanes.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import sympy

from autoscore.densities.closed_forms import ClosedForm, Expressions, Kernels, Quadratics
from autoscore.numerics.expressions import Tape, coordinates, make_tape
from autoscore.samplers.compiled.cache import kept
from autoscore.samplers.compiled.elementary import allocating, exp, fast, log

NEGLIGIBLE = 700.0  # exp(-700) of the largest term is lost in any sum

QUADRATICS, KERNELS, EXPRESSIONS = range(3)
CALLS = (
    np.add, np.multiply, np.square, np.sqrt, np.reciprocal, np.positive, np.log, np.exp,
    np.absolute, np.sign, np.sin, np.cos, np.tanh, np.power,
)  # fmt: skip
(
    ADD, MULTIPLY, SQUARE, SQRT, RECIPROCAL, COPY, LOG, EXP, ABSOLUTE, SIGN, SIN, COS, TANH, POWER,
) = range(len(CALLS))  # fmt: skip


class Formula(NamedTuple):
    """A density as compiled code reads it, the same code for all."""

    kind: int
    parameters: np.ndarray  # all numbers of the formula, (p,)
    tape: np.ndarray  # of expressions: what to do, with which two rows, and for which, (calls, 4)
    rows: int  # that `evaluate` works with


def make_formula(form: ClosedForm | None) -> Formula | None:
    """Return what `evaluate` needs of a density, or None if it has no closed form."""
    match form:
        case Quadratics():
            flat = form.precisions.reshape(len(form.means), -1)
            parts = [form.log_heights[:, None], form.means, flat]
            rows = form.means.shape[1] + 4
            return _formula(QUADRATICS, np.concatenate(parts, axis=1).ravel(), rows)
        case Kernels():
            terms = np.concatenate([np.log(form.weights)[:, None], form.points], axis=1).ravel()
            constant = -0.5 * form.points.shape[1] * np.log(2 * np.pi * form.bandwidth**2)
            return _formula(KERNELS, np.concatenate([[form.bandwidth**-2, constant], terms]), 4)
        case Expressions():
            return _of_expressions(form)
    return None


def _formula(kind: int, parameters: np.ndarray, rows: int, tape: list | None = None) -> Formula:
    calls = np.array(tape or [], dtype=np.int64).reshape(-1, 4)
    return Formula(kind, np.ascontiguousarray(parameters, dtype=float), calls, rows)


@lru_cache(maxsize=64)  # several runs on a density share what takes ten milliseconds
def _tape(values: tuple[sympy.Expr, ...], dim: int) -> Tape:
    return make_tape(values, coordinates(dim))


def _of_expressions(form: Expressions) -> Formula:
    """Return the tape of -E and its gradient; parameters are log Z, bounds and constants."""
    dim = len(form.bounds)
    constants, calls, spare = _tape(form.values, dim)
    tape = [[CALLS.index(call), of[0], of[-2], of[-1]] for call, of in calls]
    parameters = np.concatenate([[form.log_normaliser], form.bounds.ravel(), constants])
    return _formula(EXPRESSIONS, parameters, dim + len(constants) + 1 + dim + spare, tape)


@allocating
def workspace(formula: Formula, dim: int, lanes: int) -> np.ndarray:
    """Return rows for `evaluate`, with what stays the same from call to call."""
    work = np.zeros((formula.rows, lanes))
    if formula.kind == EXPRESSIONS:
        constants = formula.parameters[1 + 2 * dim :]
        for i in range(len(constants)):
            work[dim + i] = constants[i]
    return work


@fast
def evaluate(
    formula: Formula, x: np.ndarray, log_p: np.ndarray, score: np.ndarray, work: np.ndarray
) -> None:
    """Write log p at x, ``(lanes,)``, and its score, of the shape of x."""
    if formula.kind == EXPRESSIONS:
        _expressions(formula.parameters, formula.tape, x, log_p, score, work)
    elif formula.kind == QUADRATICS:
        _quadratics(formula.parameters, x, log_p, score, work)
    else:
        _kernels(formula.parameters, x, log_p, score, work)


@kept
def evaluate_all(formula: Formula, x: np.ndarray, log_p: np.ndarray, score: np.ndarray) -> None:
    """Write log p, ``(n,)``, and scores at x, ``(d, n)``, as `evaluate` does."""
    evaluate(formula, x, log_p, score, workspace(formula, len(x), len(log_p)))


# --- expressions ----------------------------------------------------------------------------------


@fast
def _expressions(
    parameters: np.ndarray,
    tape: np.ndarray,
    x: np.ndarray,
    log_p: np.ndarray,
    score: np.ndarray,
    work: np.ndarray,
) -> None:
    """Compute `Expressions`, a call after the other: a block's arithmetic outweighs its reading."""
    dim, lanes = x.shape
    height = len(parameters) - 1 - dim  # the row after coordinates and constants
    for i in range(dim):
        _copy(x[i], work[i])
    for k in range(len(tape)):
        call, a, b, out = tape[k, 0], work[tape[k, 1]], work[tape[k, 2]], work[tape[k, 3]]
        if call <= MULTIPLY:
            _combine(call, a, b, out)
        elif call <= EXP:
            _apply_often(call, a, out)
        else:
            _apply_rarely(call, a, b, out)
    for j in range(lanes):
        log_p[j] = work[height, j] - parameters[0]
    for i in range(dim):
        _copy(work[height + 1 + i], score[i])
        low, high = parameters[1 + 2 * i], parameters[2 + 2 * i]
        for j in range(lanes):
            log_p[j] = log_p[j] if low <= x[i, j] <= high else -np.inf


@fast
def _copy(values: np.ndarray, out: np.ndarray) -> None:
    for j in range(len(out)):
        out[j] = values[j]


@fast
def _combine(call: int, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    if call == ADD:
        for j in range(len(out)):
            out[j] = a[j] + b[j]
    else:
        for j in range(len(out)):
            out[j] = a[j] * b[j]


@fast
def _apply_often(call: int, a: np.ndarray, out: np.ndarray) -> None:
    """Do what the processor does to several numbers at once."""
    if call == SQUARE:
        for j in range(len(out)):
            out[j] = a[j] * a[j]
    elif call == SQRT:
        for j in range(len(out)):
            out[j] = np.sqrt(a[j])
    elif call == RECIPROCAL:
        for j in range(len(out)):
            out[j] = 1.0 / a[j]
    elif call == LOG:
        for j in range(len(out)):
            out[j] = log(a[j])
    elif call == EXP:
        for j in range(len(out)):
            out[j] = exp(a[j])
    else:
        _copy(a, out)


@fast
def _apply_rarely(call: int, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """Do the rest, number by number, by the system's functions."""
    for j in range(len(out)):
        if call == ABSOLUTE:
            out[j] = abs(a[j])
        elif call == SIGN:
            out[j] = np.sign(a[j])
        elif call == SIN:
            out[j] = math.sin(a[j])
        elif call == COS:
            out[j] = math.cos(a[j])
        elif call == TANH:
            out[j] = math.tanh(a[j])
        else:
            out[j] = a[j] ** b[j]


# --- sums of exponentials -------------------------------------------------------------------------


@fast
def _quadratics(
    parameters: np.ndarray, x: np.ndarray, log_p: np.ndarray, score: np.ndarray, work: np.ndarray
) -> None:
    """Compute `Quadratics` from rows of h_k, mu_k and P_k."""
    dim, lanes = x.shape
    slope, exponent, total = work[:dim], work[dim], work[dim + 1]
    scale, share = work[dim + 2], work[dim + 3]
    log_p[:], total[:], score[:] = -np.inf, 0.0, 0.0
    for height in range(0, len(parameters), 1 + dim + dim * dim):
        mean, precision = height + 1, height + 1 + dim
        slope[:], exponent[:] = 0.0, parameters[height]
        for i in range(dim):
            for k in range(dim):
                factor, centre = parameters[precision + i * dim + k], parameters[mean + k]
                for j in range(lanes):
                    slope[i, j] += factor * (centre - x[k, j])
            for j in range(lanes):
                exponent[j] += 0.5 * slope[i, j] * (x[i, j] - parameters[mean + i])
        _add_term(exponent, log_p, total, scale, share)
        for i in range(dim):
            _add_score(slope[i], scale, share, score[i])
    _finish(log_p, total, score, 1.0, 0.0)


@fast
def _kernels(
    parameters: np.ndarray, x: np.ndarray, log_p: np.ndarray, score: np.ndarray, work: np.ndarray
) -> None:
    """Compute `Kernels` from 1 / bandwidth^2, a constant, and rows of log w_k and point_k."""
    dim, lanes = x.shape
    precision, constant = parameters[0], parameters[1]
    exponent, total, scale, share = work[0], work[1], work[2], work[3]
    log_p[:], total[:], score[:] = -np.inf, 0.0, 0.0
    for weight in range(2, len(parameters), 1 + dim):
        exponent[:] = 0.0
        for i in range(dim):
            centre = parameters[weight + 1 + i]
            for j in range(lanes):
                exponent[j] += (x[i, j] - centre) * (x[i, j] - centre)
        for j in range(lanes):
            exponent[j] = parameters[weight] - 0.5 * precision * exponent[j]
        _add_term(exponent, log_p, total, scale, share)
        for i in range(dim):
            centre = parameters[weight + 1 + i]
            for j in range(lanes):
                term = share[j] * (centre - x[i, j]) if share[j] != 0.0 else 0.0
                score[i, j] = scale[j] * score[i, j] + term
    _finish(log_p, total, score, precision, constant)


@fast
def _add_term(
    exponent: np.ndarray,
    highest: np.ndarray,
    total: np.ndarray,
    scale: np.ndarray,
    share: np.ndarray,
) -> None:
    """Add exp(exponent) to the total, which is in units of exp(highest).

    Sums so far are to be multiplied by `scale`, since the unit may grow, and the term counts by
    its `share` in the new one. A term that is nothing beside the highest is 0; NaN never is.
    """
    for j in range(len(total)):
        e, h = exponent[j], highest[j]
        ratio = exp(-abs(e - h))
        grows = e > h
        lost = e < h - NEGLIGIBLE or e == -np.inf
        scale[j] = ratio if grows else 1.0
        share[j] = 0.0 if lost else (1.0 if grows else ratio)
        highest[j] = e if grows else h
        total[j] = total[j] * scale[j] + share[j]


@fast
def _add_score(slope: np.ndarray, scale: np.ndarray, share: np.ndarray, score: np.ndarray) -> None:
    for j in range(len(score)):
        term = share[j] * slope[j] if share[j] != 0.0 else 0.0  # a slope may be infinite
        score[j] = scale[j] * score[j] + term


@fast
def _finish(
    log_p: np.ndarray, total: np.ndarray, score: np.ndarray, factor: float, constant: float
) -> None:
    for j in range(len(total)):
        log_p[j] += log(total[j]) + constant
    for i in range(len(score)):
        for j in range(len(total)):
            score[i, j] *= factor / total[j]
