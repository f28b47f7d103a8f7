"""Quadrature nodes and noise grids."""

import numpy as np


def gauss_legendre(
    low: np.ndarray | float, high: np.ndarray | float, panels: int, order: int = 16
) -> tuple[np.ndarray, np.ndarray]:
    """Composite Gauss-Legendre rule on one interval or on many at once.

    Parameters
    ----------
    low, high
        Ends of the intervals, of any common shape ``(...)``.
    panels
        Number of equal panels an interval is cut into.
    order
        Nodes a panel; polynomials up to degree ``2 * order - 1`` are exact.

    Returns
    -------
    nodes, weights
        Both of shape ``(..., panels * order)``.
    """
    unit, weight = np.polynomial.legendre.leggauss(order)
    fractions = ((np.arange(panels)[:, None] + 0.5 * (unit + 1.0)) / panels).ravel()
    low = np.asarray(low, dtype=float)[..., None]
    width = np.asarray(high, dtype=float)[..., None] - low
    weights = np.broadcast_to(np.tile(0.5 * weight / panels, panels), fractions.shape)
    return low + width * fractions, width * weights


def noise_levels(grid: dict | list[float]) -> np.ndarray:
    """Return the noise levels that a configuration entry describes.

    Parameters
    ----------
    grid
        Either the levels themselves or ``{"low", "high", "count"}``, which
        stands for `count` levels in geometric progression from low to high.

    Returns
    -------
    numpy.ndarray
        Standard deviations, increasing, of shape ``(levels,)``.
    """
    if isinstance(grid, dict):
        return np.geomspace(grid["low"], grid["high"], grid["count"])
    return np.asarray(grid, dtype=float)
