"""How far the best possible score estimates are from the score, at small noise (statement C1)."""

import numpy as np
import pandas as pd

from autoscore.densities.base import Density, leading_bias
from autoscore.densities.energies import EnergyDensity
from autoscore.densities.smoothing import SmoothedEnergy
from autoscore.fields import Field
from autoscore.metrics import relative_error
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.optimum.rcae_1d import ContractiveOptimum1D


def optimal_field(density: Density, objective: str, sigma: float, points: int) -> Field:
    """Return the exact optimum of an objective in one dimension.

    Parameters
    ----------
    density
        Target with d = 1.
    objective
        ``"dae"`` or ``"rcae"``.
    sigma
        Noise level.
    points
        Grid points of the contractive solve; the denoising optimum needs none.
    """
    if objective == "dae":
        return DenoisingOptimum(density, sigma)
    return ContractiveOptimum1D(density, sigma, points)


def _coarser_field(density: Density, objective: str, sigma: float, points: int) -> Field:
    """Return the same optimum with half the resolution, to show what discretisation does."""
    if objective == "rcae":
        return ContractiveOptimum1D(density, sigma, (points - 1) // 2 + 1)
    field = DenoisingOptimum(density, sigma)
    if isinstance(field.smoothed, SmoothedEnergy):
        field.smoothed = SmoothedEnergy(density, sigma, order=field.smoothed.order // 2)
    return field


def bias_table(density: Density, sigmas: np.ndarray, points: int) -> pd.DataFrame:
    """Compare both optima with the score, and the difference with its leading-order prediction.

    All errors are squared, relative to E_p|s|^2, under the clean p.

    Parameters
    ----------
    density
        Target with d = 1.
    sigmas
        Noise levels.
    points
        Grid points of the contractive solve.

    Returns
    -------
    pandas.DataFrame
        A row for each objective and sigma: ``relative_error`` of the optimum; ``predicted``, what
        the leading term of C1 says it is; ``remainder``, the error left when the leading term is
        taken off; ``discretisation``, the change when the resolution is halved; ``tweedie_gap``,
        see that function, where both sides of statement T1 are integrals.
    """
    x, weights = density.quadrature(panels=60)
    score = density.score(x)
    rows = []
    for objective in ("dae", "rcae"):
        leading = leading_bias(density, objective, x)
        for sigma in sigmas:
            optimal = optimal_field(density, objective, sigma, points).score(x)
            coarser = _coarser_field(density, objective, sigma, points).score(x)
            first_order = score + sigma**2 * leading
            check = objective == "dae" and isinstance(density, EnergyDensity)
            rows.append(
                {
                    "objective": objective,
                    "sigma": sigma,
                    "relative_error": relative_error(optimal, score, weights),
                    "predicted": relative_error(first_order, score, weights),
                    "remainder": relative_error(optimal - first_order + score, score, weights),
                    "discretisation": relative_error(coarser, optimal, weights),
                    "tweedie_gap": tweedie_gap(density, sigma, x[::8]) if check else np.nan,
                }
            )
    return pd.DataFrame(rows)


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
        Points of shape ``(n, 1)``.
    """
    smoothed = density.smoothed(sigma)
    gradient = smoothed.score_by_parts(y)
    return float(np.abs(DenoisingOptimum(density, sigma)(y) - y - sigma**2 * gradient).max())
