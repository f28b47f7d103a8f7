"""The best reconstruction-contractive auto-encoder in one dimension.

The minimiser of int p [ (r - x)^2 + sigma^2 r'^2 ] obeys the Euler-Lagrange
equation p (r - x) = sigma^2 (p r')' with the natural boundary p r' = 0
(statement T2). In g = (r - x) / sigma^2, which is of the order of the score,
it reads g - sigma^2 (p g')' / p = p' / p: nothing cancels when sigma is small.
"""

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.linalg import solve_banded

from autoscore.densities.base import Density
from autoscore.optimum.dae import ScoreField


def solve_rcae_1d(density: Density, x: np.ndarray, sigma: float) -> np.ndarray:
    """Return (r - x) / sigma^2 on an even, increasing grid ``(n,)``, n >= 3, by finite volumes.

    The error is of second order in the grid step, the cost linear in n. Only ratios of p at
    neighbouring points enter, so p may underflow; outside of the grid it is taken to vanish.
    Raise ValueError for another grid, or unless sigma > 0.
    """
    step = np.diff(x)
    if not sigma > 0:
        raise ValueError(f"sigma must be > 0, not {sigma}")
    if len(x) < 3 or not (step > 0).all() or not np.allclose(step, step[0], rtol=1e-6):
        raise ValueError("the grid must have at least 3 points, evenly spaced and increasing")
    h = (x[-1] - x[0]) / (len(x) - 1)
    at_points = density.log_prob(x[:, None])
    between = density.log_prob(0.5 * (x[1:] + x[:-1])[:, None])
    right = np.append(np.exp(between - at_points[:-1]), 0.0)  # p(x + h/2) / p(x)
    left = np.insert(np.exp(between - at_points[1:]), 0, 0.0)  # p(x - h/2) / p(x)
    cell = np.full(len(x), h)
    cell[[0, -1]] = 0.5 * h

    banded = np.zeros((3, len(x)))
    banded[0, 1:] = -(sigma**2) * right[:-1] / h
    banded[1] = cell + sigma**2 * (left + right) / h
    banded[2, :-1] = -(sigma**2) * left[1:] / h
    return solve_banded((1, 1), banded, right - left, overwrite_ab=True, overwrite_b=True)


class ContractiveOptimum1D(ScoreField):
    """The optimum as a field: a cubic spline through a solution at points over p's bounds.

    Outside of these, where nothing is defined, (r - x) / sigma^2 keeps its value at the edge.
    """

    def __init__(self, density: Density, sigma: float, points: int) -> None:
        self.sigma = float(sigma)
        self.dim = density.dim
        self._bounds = density.support[0]
        x = np.linspace(*self._bounds, points)
        self._score = CubicSpline(x, solve_rcae_1d(density, x, sigma))
        self._slope = self._score.derivative()

    def score(self, x: np.ndarray) -> np.ndarray:
        return self._score(np.clip(x, *self._bounds))

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        inside = (x >= self._bounds[0]) & (x <= self._bounds[1])
        return (1.0 + self.sigma**2 * np.where(inside, self._slope(x), 0.0))[:, :, None]
