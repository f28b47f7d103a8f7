"""How far the best possible score estimates are from the score, at small noise (statement C1)."""

from functools import lru_cache

import numpy as np
import pandas as pd

from autoscore.densities.base import Density, leading_bias
from autoscore.densities.energies import EnergyDensity
from autoscore.fields import Field
from autoscore.numerics.errors import relative_error
from autoscore.numerics.streams import generator
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.optimum.rcae_1d import ContractiveOptimum1D
from autoscore.optimum.rcae_2d import ContractiveOptimum2D
from autoscore.wording import require

GRID_POINTS = 20_001  # of a contractive solve in one dimension, fine enough to be a reference
PANELS = 60  # of the expectations under p in one dimension
CHECKED = 50  # of them at which a denoising optimum in the plane is computed in another way
COLUMNS = [
    "objective", "sigma", "relative_error", "predicted", "remainder", "discretisation",
    "hessian_error", "tweedie_gap",
]  # fmt: skip
DRAWS = 4000  # that stand for p in two, where it may be too thin for any product rule


@lru_cache(maxsize=64)
def optimal_field(density: Density, objective: str, sigma: float, points: int) -> Field:
    """Return the exact optimum of an objective in one or two dimensions.

    Parameters
    ----------
    density
        Target with d = 1 or 2.
    objective
        ``"dae"`` or ``"rcae"``.
    sigma
        Noise level.
    points
        Grid points of the contractive solve, along each side; the denoising optimum needs none.
    """
    if objective == "dae":
        return DenoisingOptimum(density, sigma)
    if density.dim == 2:
        return ContractiveOptimum2D.solve(density, sigma, points)
    return ContractiveOptimum1D(density, sigma, points)


def coarser_field(density: Density, objective: str, sigma: float, points: int) -> Field:
    """Return the same optimum at lower resolution, to show what discretisation does."""
    if objective == "rcae":
        return optimal_field(density, objective, sigma, (points - 1) // 2 + 1)
    field = DenoisingOptimum(density, sigma)
    field.smoothed = field.smoothed.coarser()
    return field


def _expectation(density: Density) -> tuple[np.ndarray, np.ndarray]:
    """Return points and weights that stand for p."""
    if density.dim == 1:
        return density.quadrature(PANELS)
    x = density.sample(DRAWS, generator(0, "expectation"))
    return x, np.full(len(x), 1.0 / len(x))


def bias_table(density: Density, sigmas: np.ndarray, points: int) -> pd.DataFrame:
    """Compare both optima with the score, and the difference with its leading-order prediction.

    All errors are squared, relative to E_p|s|^2, under the clean p.

    Parameters
    ----------
    density
        Target with d = 1 or 2.
    sigmas
        Noise levels.
    points
        Grid points of the contractive solve, along each side.

    Returns
    -------
    pandas.DataFrame
        A row for each objective and sigma: ``relative_error`` of the optimum; ``predicted``, what
        the leading term of C1 says it is; ``remainder``, the error left when the leading term is
        taken off; ``discretisation``, the change when the resolution is halved; ``hessian_error``
        of (dr/dx - I) / sigma^2 as an estimate of Hess log p, relative to E_p|Hess log p|^2 (C5);
        ``tweedie_gap``, see that function, where both sides of statement T1 are integrals.
    """
    x, weights = _expectation(density)
    score, hessian = density.score(x), density.hessian(x).reshape(len(x), -1)
    rows = []
    for objective in ("dae", "rcae"):
        leading = leading_bias(density, objective, x)
        for sigma in sigmas:
            field = optimal_field(density, objective, sigma, points)
            optimal, slope = field.score(x), field.hessian(x).reshape(len(x), -1)
            coarser = coarser_field(density, objective, sigma, points)
            few = slice(None if density.dim == 1 or objective == "rcae" else CHECKED)
            rough = coarser.score(x[few])
            first_order = score + sigma**2 * leading
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
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def tweedie_gap(density: Density, sigma: float, y: np.ndarray) -> float:
    """Return the largest |r*(y) - y - sigma^2 grad log p_sigma(y)| for a one-dimensional energy.

    Statement T1, with the two sides computed by different integrals: r* is the posterior mean,
    while grad p_sigma moves the derivative onto p by parts, p' * N plus the ends of the box.

    Parameters
    ----------
    density
        An energy on an interval.
    sigma
        Noise level.
    y
        Points of shape ``(n, 1)``, n >= 1.
    """
    require("a largest gap", len(y))
    smoothed = density.smoothed(sigma)
    gradient = smoothed.score_by_parts(y)
    return float(np.abs(DenoisingOptimum(density, sigma)(y) - y - sigma**2 * gradient).max())
