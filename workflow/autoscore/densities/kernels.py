"""A finite set of points, degenerate or under a Gaussian kernel.

With bandwidth 0 it is the empirical distribution, which has no density; the score of
``smoothed(sigma)`` then gives the denoising auto-encoder that is best on exactly these points.
With a bandwidth it is the kernel density estimate. With weights the points may be the nodes of a
quadrature rule, for instance along a curve.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from autoscore.densities.base import Density
from autoscore.densities.closed_forms import Kernels
from autoscore.densities.kernel_sums import CHUNK, AllKernels, Block, NearKernels
from autoscore.numerics.exponentials import exp_in_place
from autoscore.numerics.pairwise import Distances
from autoscore.numerics.panels import Panels, panels_around
from autoscore.wording import require

MATRIX_PRODUCT = 8  # dimensions from which a matrix product is the faster way to distances
FARTHEST = 1e150  # whose square is finite


class KernelDensity(Density):
    """p(x) = sum_k w_k N(x; points_k, bandwidth^2 I) for points of shape ``(n, d)``.

    Bandwidth 0 stands for the points themselves. Weights ``(n,)`` are positive, normalised here,
    and equal if left out. Raise ValueError for anything else; with bandwidth 0, the log-density
    and its derivatives raise it.

    Examples
    --------
    Noise widens each kernel, so that a smoothed estimate is again one.

    >>> estimate = KernelDensity(np.array([[0.0], [3.0]]), bandwidth=0.3)
    >>> estimate.smoothed(0.4).bandwidth
    0.5
    >>> estimate.score(np.array([[0.3], [3.2]])).round(2).ravel()
    array([-3.33, -2.22])
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
        reach = 10.0 * self.bandwidth
        self.bounds = np.stack([points.min(0) - reach, points.max(0) + reach], axis=1)

    @property
    def is_degenerate(self) -> bool:
        return self.bandwidth == 0

    @cached_property
    def _sums(self) -> AllKernels | NearKernels:
        if self.is_degenerate:
            raise ValueError("points without a bandwidth have no density: take .smoothed(sigma)")
        make = AllKernels if self.dim >= MATRIX_PRODUCT else NearKernels
        held = self.weights > 0  # the others have underflown
        return make(self.points[held], np.log(self.weights[held]), self.bandwidth)

    def _blocks(self, x: np.ndarray, result: np.ndarray) -> Iterator[Block]:
        """Yield blocks of x ``(n, d)``; in the result rows are NaN where p cannot be computed."""
        sums, near = self._sums, (np.abs(x) < FARTHEST).all(1)
        result[~near] = np.nan
        place = np.flatnonzero(near)
        for block in sums.blocks(x[near]) if len(place) else ():
            yield block._replace(rows=place[block.rows])

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        result = np.empty(len(x))
        for block in self._blocks(x, result):
            result[block.rows] = block.log_factor + np.log(block.shares.sum(1))
        result[np.isnan(result) & ~np.isnan(x).any(1)] = -np.inf
        return result - 0.5 * self.dim * np.log(2 * np.pi * self.bandwidth**2)

    def score(self, x: np.ndarray) -> np.ndarray:
        result = np.empty(x.shape)
        for block in self._blocks(x, result):
            result[block.rows] = block.means()[0] - block.x
        return result / self.bandwidth**2

    def closed_form(self) -> Kernels | None:
        if self.is_degenerate:
            return None
        return Kernels(self.weights, self.points, self.bandwidth)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        result = np.empty((len(x), self.dim, self.dim))
        for block in self._blocks(x, result):
            mean, second = block.moments()
            result[block.rows] = second - mean[:, :, None] * mean[:, None, :]
        return result / self.bandwidth**4 - np.eye(self.dim) / self.bandwidth**2

    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        result = np.empty((len(x), self.dim))
        for block in self._blocks(x, result):
            (mean, total), points, shares = block.means(), block.points.x, block.shares
            # |u_k|^2 for u_k = point_k - mean, whose third moment is the third cumulant of the
            # posterior over points: E[u |u|^2] = E[point |u|^2] - mean E|u|^2.
            shares *= (points**2).sum(1) - 2.0 * mean @ points.T + (mean**2).sum(1, keepdims=True)
            third = shares @ points - mean * shares.sum(1, keepdims=True)
            result[block.rows] = third / total[:, None]
        return result / self.bandwidth**6

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        chosen = self.points[rng.choice(len(self.points), size=n, p=self.weights)]
        return chosen + self.bandwidth * rng.standard_normal(chosen.shape)

    def smoothed(self, sigma: float) -> "KernelDensity":
        return KernelDensity(self.points, np.hypot(self.bandwidth, sigma), self.weights)

    def fitted_panels(self) -> Panels:
        return panels_around(self.points[:, 0], np.full(len(self.points), self.bandwidth))

    def quadrature(self, panels: int = 24, **settings: float) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes and weights; points without a bandwidth are their own rule, for any d."""
        if self.is_degenerate:
            return self.points, self.weights
        return super().quadrature(panels, **settings)


def fit_bandwidth(points: np.ndarray, held_out: np.ndarray) -> KernelDensity:
    """Return the kernel estimate of points ``(n, d)`` likeliest on other, held-out ones ``(m, d)``.

    Its bandwidth is 0 if all of both are one place. Each pair takes 4 bytes while it is chosen.
    Raise ValueError without held-out points.
    """
    from scipy.optimize import minimize_scalar  # half a second, which most jobs do not need

    require("a choice of the bandwidth", len(held_out))
    if not np.ptp(points, axis=0).any():  # then the likeliest bandwidth has a closed form
        return KernelDensity(points, np.sqrt(((held_out - points[0]) ** 2).mean()))
    spread = points.std(axis=0).mean()
    likelihood = _HeldOut(points, held_out)
    best = minimize_scalar(
        lambda log_h: -likelihood(np.exp(log_h)),
        bounds=(np.log(1e-3 * spread), np.log(spread)),
        method="bounded",
        options={"xatol": 0.05},
    )
    return KernelDensity(points, np.exp(best.x))


class _HeldOut:
    """The likelihood of held-out points under the estimate of others, by bandwidth.

    Distances are computed once, and in single precision: a bandwidth is needed to a few hundredths.
    """

    def __init__(self, points: np.ndarray, held_out: np.ndarray) -> None:
        self._dim = points.shape[1]
        self._chunks = []
        for _, squares in Distances(points, products_from=MATRIX_PRODUCT).chunks(held_out, CHUNK):
            nearest = squares.min(1)
            squares -= nearest[:, None]
            self._chunks.append((nearest, squares.astype(np.float32)))

    def __call__(self, bandwidth: float) -> float:
        """Return the mean log-likelihood, up to a constant."""
        sums = []
        for nearest, squares in self._chunks:
            kernel = squares * np.float32(-0.5 / bandwidth**2)
            exp_in_place(kernel)
            sums.append(np.log(kernel.sum(1)) - 0.5 * nearest / bandwidth**2)
        return float(np.concatenate(sums).mean()) - self._dim * np.log(bandwidth)
