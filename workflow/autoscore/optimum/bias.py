"""How far the best possible score estimates are from the score, and at which order (C1)."""

from functools import lru_cache

import numpy as np
import pandas as pd

from autoscore.densities.base import Density, leading_bias
from autoscore.densities.energies import EnergyDensity
from autoscore.fields import Field
from autoscore.numerics.errors import fitted_order, relative_error
from autoscore.numerics.streams import generator
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.optimum.rcae_1d import ContractiveOptimum1D
from autoscore.optimum.rcae_2d import ContractiveOptimum2D
from autoscore.wording import require

GRID_POINTS = 20_001  # of a contractive solve in one dimension, fine enough to be a reference
PANELS = 60  # of the expectations under p in one dimension
DRAWS = 4000  # that stand for p in two, where it may be too thin for any product rule
CHECKED = 50  # of these, at which a denoising optimum is also computed at lower resolution
BIAS = [
    "objective", "sigma", "relative_error", "predicted", "remainder", "discretisation",
    "hessian_error", "tweedie_gap", "extrapolated", "left", "hessian_extrapolated",
    "hessian_left", "apart", "apart_predicted",
]  # fmt: skip
ORDER = ["objective", "order", "low", "high", "levels", "remainder_order", "discretisation"]


@lru_cache(maxsize=64)
def optimal_field(density: Density, objective: str, sigma: float, points: int) -> Field:
    """Return the exact optimum of an objective, ``"dae"`` or ``"rcae"``, for d = 1 or 2.

    A contractive solve has this many grid points along each side; the denoising optimum, in any
    dimension, needs none.
    """
    if objective == "dae":
        return DenoisingOptimum(density, sigma)
    if density.dim == 2:
        return ContractiveOptimum2D.solve(density, sigma, points)
    return ContractiveOptimum1D(density, sigma, points)


def coarser_field(density: Density, objective: str, sigma: float, points: int) -> Field:
    """Return the same optimum at lower resolution, to show the effect of discretisation."""
    if objective == "rcae":
        return optimal_field(density, objective, sigma, (points - 1) // 2 + 1)
    field = DenoisingOptimum(density, sigma)
    field.smoothed = field.smoothed.coarser()
    return field


def extrapolated_field(density: Density, sigma: float, points: int) -> ContractiveOptimum2D:
    """Return the contractive optimum in the plane with its grid's step extrapolated to 0."""
    fine, coarse = (f(density, "rcae", sigma, points) for f in (optimal_field, coarser_field))
    return fine.extrapolated(coarse)


def bias_table(density: Density, sigmas: np.ndarray, points: int) -> pd.DataFrame:
    """Compare both optima with the score, and the difference with its leading-order prediction.

    For d = 1 or 2, with `points` as for `optimal_field`. All errors are squared, relative to
    E_p|s|^2, under the clean p. A row per objective and sigma: ``relative_error`` of the optimum;
    ``predicted``, that of the leading term of C1; ``remainder``, the error left without that term;
    ``discretisation``, the change at half the resolution; ``hessian_error`` of
    (dr/dx - I) / sigma^2 as an estimate of Hess log p, relative to E_p|Hess log p|^2 (C5);
    `tweedie_gap`, where both sides of statement T1 are integrals. Rows of ``"rcae"`` also have
    the columns of `limits`.
    """
    if density.dim == 1:
        x, weights = density.quadrature(PANELS)
    else:
        x, weights = density.sample(DRAWS, generator(0, "expectation")), np.full(DRAWS, 1.0 / DRAWS)
    score, hessian = density.score(x), density.hessian(x).reshape(len(x), -1)
    truth = score, hessian, density.score_laplacian(x)
    denoising, rows = {}, []
    for objective in ("dae", "rcae"):
        leading = leading_bias(density, objective, x)
        for sigma in sigmas:
            field = optimal_field(density, objective, sigma, points)
            optimal, slope = field.score(x), field.hessian(x).reshape(len(x), -1)
            coarser = coarser_field(density, objective, sigma, points)
            few = slice(None if density.dim == 1 or objective == "rcae" else CHECKED)
            rough = coarser.score(x[few])
            first_order = score + sigma**2 * leading
            further = {}
            if objective == "dae":
                denoising[sigma] = optimal
            else:
                further = limits(density, sigma, points, x, weights, truth, denoising[sigma])
            check = objective == "dae" and density.dim == 1 and isinstance(density, EnergyDensity)
            rows.append(
                {
                    "objective": objective,
                    "sigma": sigma,
                    "relative_error": relative_error(optimal, score, weights),
                    "predicted": relative_error(first_order, score, weights),
                    "remainder": relative_error(optimal - first_order + score, score, weights),
                    "discretisation": relative_error(rough, optimal[few], weights[few]),
                    "hessian_error": relative_error(slope, hessian, weights),
                    "tweedie_gap": tweedie_gap(density, sigma, x[::8]) if check else np.nan,
                }
                | further
            )
    return pd.DataFrame(rows, columns=BIAS)


def limits(
    density: Density, sigma: float, points: int, x: np.ndarray, weights: np.ndarray,
    truth: tuple[np.ndarray, np.ndarray, np.ndarray], denoising: np.ndarray,
) -> dict[str, float]:  # fmt: skip
    """Return how far the contractive optimum is from the score, its Hessian and the other optimum.

    The truth is the score ``(n, d)``, its derivatives ``(n, d * d)`` and its Laplacian ``(n, d)``
    at weighted points; `denoising` ``(n, d)`` the score read off the other optimum. ``apart`` is
    the squared distance of both optima, relative to E|s|^2, and ``apart_predicted`` that of its
    leading term, sigma^2 lap s / 2 by C1. In the plane, where the grid's step shows, it is
    extrapolated to 0, and there are the squared relative errors ``extrapolated``, of the score,
    and ``hessian_extrapolated``; ``left`` and ``hessian_left`` estimate what the step leaves.
    """
    score, hessian, laplacian = truth
    best, found = optimal_field(density, "rcae", sigma, points), {}
    if density.dim == 2:
        best = extrapolated_field(density, sigma, points)
        rougher = extrapolated_field(density, sigma, (points + 1) // 2)
        # the error falls as the fourth power of the step: a fifteenth of the change is left
        left = score + (best.score(x) - rougher.score(x)) / 15
        slope, other = (f.hessian(x).reshape(hessian.shape) for f in (best, rougher))
        found = {
            "extrapolated": relative_error(best.score(x), score, weights),
            "left": relative_error(left, score, weights),
            "hessian_extrapolated": relative_error(slope, hessian, weights),
            "hessian_left": relative_error(hessian + (slope - other) / 15, hessian, weights),
        }
    apart, predicted = best.score(x) - denoising, 0.5 * sigma**2 * laplacian
    found["apart"] = relative_error(score + apart, score, weights)
    found["apart_predicted"] = relative_error(score + predicted, score, weights)
    return found


def tweedie_gap(density: EnergyDensity, sigma: float, y: np.ndarray) -> float:
    """Return the largest |r*(y) - y - sigma^2 grad log p_sigma(y)| at points ``(n, 1)``, n >= 1.

    Statement T1, with the two sides computed by different integrals: r* is the posterior mean,
    while grad p_sigma moves the derivative onto p by parts, p' * N plus the ends of the box.
    """
    require("a largest gap", len(y))
    gradient = density.smoothed(sigma).score_by_parts(y)
    return float(np.abs(DenoisingOptimum(density, sigma)(y) - y - sigma**2 * gradient).max())


def order_table(bias: pd.DataFrame, window: np.ndarray) -> pd.DataFrame:
    """Fit the order of convergence in a window of noise levels (statement C1: order 2).

    The window lists two or more levels of the `bias_table`, or none. A row per objective:
    ``order``; the window's ``low``, ``high`` and number of ``levels``; ``remainder_order``,
    without the leading term; ``discretisation``, the largest ratio of the (root mean square)
    discretisation error to the measured one.
    """
    inside = bias[np.isclose(bias["sigma"].to_numpy()[:, None], window, rtol=1e-9).any(1)]
    rows = []
    for objective, part in inside.groupby("objective"):
        sigmas = part["sigma"].to_numpy()
        discretisation = np.sqrt((part["discretisation"] / part["relative_error"]).max())
        rows.append(
            {
                "objective": objective,
                "order": fitted_order(sigmas, part["relative_error"].to_numpy()),
                "low": sigmas.min(),
                "high": sigmas.max(),
                "levels": len(sigmas),
                "remainder_order": fitted_order(sigmas, part["remainder"].to_numpy()),
                "discretisation": float(discretisation),
            }
        )
    return pd.DataFrame(rows, columns=ORDER)
