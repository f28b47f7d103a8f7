"""Quadrature nodes and noise grids."""

import numpy as np


def gauss_legendre(
    low: np.ndarray | float, high: np.ndarray | float, panels: int, order: int = 16
) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights ``(..., panels * order)`` of the composite Gauss-Legendre rule.

    Each interval, with ends of any common shape ``(...)``, is cut into equal panels of `order`
    nodes, exact for polynomials up to degree ``2 * order - 1``.

    Examples
    --------
    >>> x, weights = gauss_legendre(0.0, 1.0, panels=1, order=3)
    >>> float(weights @ x**5)  # 1/6
    0.16666666666666...
    """
    unit, weight = np.polynomial.legendre.leggauss(order)
    fractions = ((np.arange(panels)[:, None] + 0.5 * (unit + 1.0)) / panels).ravel()
    low = np.asarray(low, dtype=float)[..., None]
    width = np.asarray(high, dtype=float)[..., None] - low
    weights = np.broadcast_to(np.tile(0.5 * weight / panels, panels), fractions.shape)
    return low + width * fractions, width * weights


def gauss_lobatto(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights ``(order,)`` from 0 to 1, both ends among the two or more nodes.

    The rule is exact for polynomials up to degree ``2 * order - 3`` (Abramowitz and Stegun,
    25.4.32).

    Examples
    --------
    >>> x, weights = gauss_lobatto(3)
    >>> x, weights  # Simpson's rule
    (array([0. , 0.5, 1. ]), array([0.16666667, 0.66666667, 0.16666667]))
    """
    last = np.polynomial.Legendre.basis(order - 1)
    unit = np.concatenate([[-1.0], last.deriv().roots(), [1.0]])
    return 0.5 * (unit + 1.0), 1.0 / (order * (order - 1) * last(unit) ** 2)


def noise_levels(grid: dict | list[float]) -> np.ndarray:
    """Return the noise levels (standard deviations, increasing) of a configuration entry.

    It holds the levels themselves, or low, high and count of a geometric progression.

    Examples
    --------
    >>> noise_levels({"low": 0.1, "high": 0.4, "count": 3})
    array([0.1, 0.2, 0.4])
    """
    if isinstance(grid, dict):
        return np.geomspace(grid["low"], grid["high"], grid["count"])
    return np.asarray(grid, dtype=float)
