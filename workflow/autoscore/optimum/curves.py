"""The truth and both exact optima on a grid, for the figures."""

import numpy as np

from autoscore.densities.base import Density
from autoscore.optimum.bias import optimal_field
from autoscore.optimum.rcae_2d import ContractiveOptimum2D

REACH = 3.0  # sigmas to each side of points that all lie at one place


def curve_grid(density: Density, points: int, widest: float) -> np.ndarray:
    """Return an even grid over the bounds of a one-dimensional target.

    It is wider for degenerate points; if they all lie at one place, the `widest` noise sets its
    width.
    """
    low, high = density.support[0]
    margin = 0.25 * (high - low) if density.is_degenerate else 0.0
    if low == high:
        margin = REACH * widest
    return np.linspace(low - margin, high + margin, points)


def optimum_curves(
    density: Density, sigmas: np.ndarray, points: int, solver_points: int
) -> dict[str, np.ndarray]:
    """Return what is known exactly about a one-dimensional density, on its `curve_grid`.

    ``x`` (n,), ``sigmas`` (levels,); the score estimates (r - x) / sigma^2 of the optima, ``dae``
    and ``rcae``, and ``log_p_sigma``, all (levels, n); ``log_prob``, ``score`` and ``hessian``, all
    (n,). Degenerate points have ``dae`` and ``log_p_sigma`` alone.
    """
    x = curve_grid(density, points, sigmas.max())
    columns = x[:, None]
    log_p_sigma = [density.smoothed(sigma).log_prob(columns) for sigma in sigmas]
    curves = {"x": x, "sigmas": sigmas, "log_p_sigma": np.stack(log_p_sigma)}
    for objective in ["dae"] if density.is_degenerate else ["dae", "rcae"]:
        best = [optimal_field(density, objective, sigma, solver_points) for sigma in sigmas]
        curves[objective] = np.stack([field.score(columns)[:, 0] for field in best])
    if not density.is_degenerate:
        curves["log_prob"] = density.log_prob(columns)
        curves["score"] = density.score(columns)[:, 0]
        curves["hessian"] = density.hessian(columns)[:, 0, 0]
    return curves


def optimum_plane(density: Density, sigmas: np.ndarray, points: int) -> dict[str, np.ndarray]:
    """Return the contractive optimum of a two-dimensional density on a grid over its bounds.

    ``x1``, ``x2`` (points,); ``sigmas`` (levels,); ``rcae``, (r - x) / sigma^2 of shape
    (levels, 2, points, points).
    """
    solved = [optimal_field(density, "rcae", sigma, points) for sigma in sigmas]
    rcae = np.stack([field.solution for field in solved])
    return {"x1": solved[0].x1, "x2": solved[0].x2, "sigmas": sigmas, "rcae": rcae}


def stored_optimum(arrays: dict[str, np.ndarray], sigma: float) -> ContractiveOptimum2D | None:
    """Return one level of an `optimum_plane` as a field, None if it is not there."""
    found = np.flatnonzero(np.isclose(arrays["sigmas"], sigma, rtol=1e-9))
    if not len(found):
        return None
    return ContractiveOptimum2D(arrays["x1"], arrays["x2"], arrays["rcae"][found[0]], sigma)
