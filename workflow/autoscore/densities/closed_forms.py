"""Formulas of densities, as data: what a compiler needs to know of them.

A density's `closed_form` returns one; `autoscore.samplers.compiled` turns it into machine code.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import sympy  # half a second, which most plans spare


class Quadratics(NamedTuple):
    """p(x) = sum_k exp(h_k - (x - mu_k)^T P_k (x - mu_k) / 2), P_k symmetric."""

    log_heights: np.ndarray  # (K,)
    means: np.ndarray  # (K, d)
    precisions: np.ndarray  # (K, d, d)


class Kernels(NamedTuple):
    """p(x) = sum_k w_k N(x; points_k, bandwidth^2 I)."""

    weights: np.ndarray  # (K,)
    points: np.ndarray  # (K, d)
    bandwidth: float


class Expressions(NamedTuple):
    """log p(x) = -E(x) - log Z within bounds, -inf outside, in one or two dimensions."""

    values: "tuple[sympy.Expr, ...]"  # -E and its gradient, of `numerics.expressions.coordinates`
    bounds: np.ndarray  # (d, 2)
    log_normaliser: float


ClosedForm = Quadratics | Kernels | Expressions
