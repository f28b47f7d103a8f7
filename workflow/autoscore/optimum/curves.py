"""The truth and both exact optima on a grid, for the figures."""

import numpy as np

from autoscore.densities.base import Density
from autoscore.optimum.bias import optimal_field


def curve_grid(density: Density, points: int) -> np.ndarray:
    """Return an even grid over the bounds of a one-dimensional target, wider for bare points."""
    low, high = density.bounds[0]
    margin = 0.25 * (high - low) if density.is_bare else 0.0
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
    bare = density.is_bare
    x = curve_grid(density, points)
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
