"""The truth and both exact optima on a grid, for the figures."""

import numpy as np

from autoscore.densities.base import Density
from autoscore.optimum.bias import optimal_field
from autoscore.optimum.rcae_2d import ContractiveOptimum2D

REACH = 3.0  # sigmas to each side of points at one place


def curve_grid(density: Density, points: int, widest: float) -> np.ndarray:
    """Return an even grid over the bounds of a one-dimensional target, wider for bare points.

    Of points at one place the `widest` noise gives the grid its width.
    """
    low, high = density.support[0]
    margin = 0.25 * (high - low) if density.is_degenerate else 0.0
    if low == high:
        margin = REACH * widest
    return np.linspace(low - margin, high + margin, points)


def optimum_curves(
    density: Density, sigmas: np.ndarray, points: int, solver_points: int
) -> dict[str, np.ndarray]:
    """Return what is known exactly about a one-dimensional density.

    Parameters
    ----------
    density
        Target with d = 1.
    sigmas
        Noise levels at which the optima are solved.
    points
        Points of the grid on which everything is returned, see `curve_grid`.
    solver_points
        Grid points of the contractive solve.

    Returns
    -------
    dict
        ``x`` (n,), ``sigmas`` (levels,); the score estimates (r - x) / sigma^2 of the optima,
        ``dae`` and ``rcae``, and ``log_p_sigma``, all (levels, n); ``log_prob``, ``score`` and
        ``hessian``, all (n,). Bare points have only what exists for them.
    """
    bare = density.is_degenerate
    x = curve_grid(density, points, sigmas.max())
    columns = x[:, None]
    curves = {"x": x, "sigmas": sigmas}
    curves["log_p_sigma"] = np.stack(
        [density.smoothed(sigma).log_prob(columns) for sigma in sigmas]
    )
    for objective in ["dae"] if bare else ["dae", "rcae"]:
        curves[objective] = np.stack(
            [
                optimal_field(density, objective, sigma, solver_points).score(columns)[:, 0]
                for sigma in sigmas
            ]
        )
    if not bare:
        curves["log_prob"] = density.log_prob(columns)
        curves["score"] = density.score(columns)[:, 0]
        curves["hessian"] = density.hessian(columns)[:, 0, 0]
    return curves


def optimum_plane(density: Density, sigmas: np.ndarray, points: int) -> dict[str, np.ndarray]:
    """Return the contractive optimum of a two-dimensional density on its grid.

    Parameters
    ----------
    density
        Target with d = 2.
    sigmas
        Noise levels.
    points
        Grid points along each side of the density's bounds.

    Returns
    -------
    dict
        ``x1``, ``x2`` (points,); ``sigmas`` (levels,); ``rcae``, (r - x) / sigma^2 of shape
        (levels, 2, points, points).
    """
    solved = [optimal_field(density, "rcae", sigma, points) for sigma in sigmas]
    return {
        "x1": solved[0].x1,
        "x2": solved[0].x2,
        "sigmas": sigmas,
        "rcae": np.stack([field.solution for field in solved]),
    }


def stored_optimum(arrays: dict[str, np.ndarray], sigma: float) -> ContractiveOptimum2D | None:
    """Return one level of what `optimum_plane` returned as a field, None if it is not there."""
    found = np.flatnonzero(np.isclose(arrays["sigmas"], sigma, rtol=1e-9))
    if not len(found):
        return None
    return ContractiveOptimum2D(arrays["x1"], arrays["x2"], arrays["rcae"][found[0]], sigma)
