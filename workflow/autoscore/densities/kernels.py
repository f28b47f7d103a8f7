"""A finite set of points, bare or under a Gaussian kernel.

Bare points (bandwidth 0) are the empirical distribution: they have no
density, but ``smoothed(sigma)`` is one, and its score gives the denoising
auto-encoder that is best on exactly these points. With a bandwidth the
same class is the kernel density estimate. With weights the points may be the
nodes of a quadrature rule, along a curve for instance.
"""

from collections.abc import Iterator

import numpy as np

from autoscore.densities.base import Density
from autoscore.numerics.exponentials import softmax_in_place
from autoscore.numerics.panels import Panels, panels_around
from autoscore.wording import require

MATRIX_PRODUCT = 8  # dimensions from which on a matrix product is the faster way to distances
BLOCK = 500_000  # kernel evaluations at once: 4 MB of doubles, which a cache can hold


class KernelDensity(Density):
    """p(x) = sum_k w_k N(x; points_k, bandwidth^2 I).

    Parameters
    ----------
    points
        Shape ``(n, d)``, finite.
    bandwidth
        Standard deviation of the kernel; 0 stands for the points themselves.
    weights
        Shape ``(n,)``, positive, normalised here; equal ones if left out.

    Raises
    ------
    ValueError
        If `points` is not a finite matrix with at least one row, a weight is not positive, or
        the bandwidth is negative. The derivatives raise it for bandwidth 0.
    """

    def __init__(
        self, points: np.ndarray, bandwidth: float = 0.0, weights: np.ndarray | None = None
    ) -> None:
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or 0 in points.shape:
            raise ValueError(f"points must have shape (n, d) with n, d >= 1, not {points.shape}")
        if not np.isfinite(points).all():
            row = int(np.flatnonzero(~np.isfinite(points).all(1))[0])
            raise ValueError(f"points must be finite, but row {row} is {points[row].tolist()}")
        if not bandwidth >= 0:
            raise ValueError(f"the bandwidth must be >= 0, not {bandwidth}")
        weights = np.ones(len(points)) if weights is None else np.asarray(weights, dtype=float)
        if weights.shape != (len(points),) or not (weights > 0).all():
            raise ValueError(f"{len(points)} points need as many weights > 0")
        self.points = points
        self.weights = weights / weights.sum()
        self.bandwidth = float(bandwidth)
        self.dim = points.shape[1]
        # about an origin of their own, so that points far from 0 lose no digits in products
        self._origin = points.mean(0)
        self._centred = points - self._origin
        reach = 10.0 * self.bandwidth
        self.bounds = np.stack([points.min(0) - reach, points.max(0) + reach], axis=1)

    @property
    def is_degenerate(self) -> bool:
        return self.bandwidth == 0

    def _check(self) -> None:
        if self.is_degenerate:
            raise ValueError("bare points have no density: take .smoothed(sigma) first")

    def _blocks(self, x: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of x with log kernels of shape (block, n), never all at once."""
        self._check()
        size, log_weights = max(1, BLOCK // len(self.points)), np.log(self.weights)
        from scipy.spatial.distance import cdist  # half a second, which planning a run spares

        x = x - self._origin
        if self.dim >= MATRIX_PRODUCT:
            doubled, squares = -2.0 * self._centred.T, (self._centred**2).sum(1)
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            if self.dim == 1:
                kernel = x[rows] - self._centred[:, 0]
                kernel *= kernel
            elif self.dim < MATRIX_PRODUCT:
                kernel = cdist(x[rows], self._centred, "sqeuclidean")
            else:
                kernel = x[rows] @ doubled
                kernel += squares
                kernel += (x[rows] ** 2).sum(1, keepdims=True)
            kernel *= -0.5 / self.bandwidth**2
            kernel += log_weights
            yield rows, kernel

    def _shares(self, x: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of x with each point's share of the density there, (block, n)."""
        for rows, kernel in self._blocks(x):
            softmax_in_place(kernel)
            yield rows, kernel

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        self._check()
        scale = 0.5 * self.dim * np.log(2 * np.pi * self.bandwidth**2)
        result = np.empty(len(x))
        for rows, kernel in self._blocks(x):
            result[rows] = softmax_in_place(kernel)
        return result - scale

    def score(self, x: np.ndarray) -> np.ndarray:
        result = np.empty((len(x), self.dim))
        for rows, share in self._shares(x):
            result[rows] = share @ self._centred
        return (result - (x - self._origin)) / self.bandwidth**2

    def hessian(self, x: np.ndarray) -> np.ndarray:
        result = np.empty((len(x), self.dim, self.dim))
        for rows, share in self._shares(x):
            mean = share @ self._centred
            second = np.einsum("nk,ki,kj->nij", share, self._centred, self._centred, optimize=True)
            result[rows] = second - mean[:, :, None] * mean[:, None, :]
        return result / self.bandwidth**4 - np.eye(self.dim) / self.bandwidth**2

    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        result = np.empty((len(x), self.dim))
        for rows, share in self._shares(x):
            mean = share @ self._centred
            squares = (self._centred**2).sum(-1)
            # |u_k|^2 for u_k = point_k - mean, whose third moment is the third cumulant of the
            # posterior over points: E[u |u|^2] = E[point |u|^2] - mean E|u|^2.
            distance = squares - 2.0 * mean @ self._centred.T + (mean**2).sum(-1, keepdims=True)
            share *= distance
            result[rows] = share @ self._centred - mean * share.sum(-1, keepdims=True)
        return result / self.bandwidth**6

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        chosen = self.points[rng.choice(len(self.points), size=n, p=self.weights)]
        return chosen + self.bandwidth * rng.standard_normal(chosen.shape)

    def smoothed(self, sigma: float) -> "KernelDensity":
        return KernelDensity(self.points, np.hypot(self.bandwidth, sigma), self.weights)

    def fitted_panels(self) -> Panels:
        return panels_around(self.points[:, 0], np.full(len(self.points), self.bandwidth))

    def quadrature(self, panels: int = 24, **asked: float) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes and weights as for any density; bare points are their own rule."""
        if self.is_degenerate:
            return self.points, self.weights
        return super().quadrature(panels, **asked)


def fit_bandwidth(points: np.ndarray, held_out: np.ndarray) -> KernelDensity:
    """Return the kernel density estimate whose bandwidth is likeliest on held-out points.

    Parameters
    ----------
    points
        Training points of shape ``(n, d)``.
    held_out
        Points of shape ``(m, d)`` that are not among them.

    Returns
    -------
    KernelDensity
        The estimate; the bare points if they are one place, and all held-out points there, too.

    Raises
    ------
    ValueError
        If there are no held-out points.
    """
    from scipy.optimize import minimize_scalar  # half of a second, which few of many jobs need

    require("a choice of the bandwidth", len(held_out))
    if not np.ptp(points, axis=0).any():  # then the likeliest bandwidth has a closed form
        return KernelDensity(points, np.sqrt(((held_out - points[0]) ** 2).mean()))
    spread = points.std(axis=0).mean()
    best = minimize_scalar(
        lambda log_h: -KernelDensity(points, np.exp(log_h)).log_prob(held_out).mean(),
        bounds=(np.log(1e-3 * spread), np.log(spread)),
        method="bounded",
        options={"xatol": 0.05},
    )
    return KernelDensity(points, np.exp(best.x))
