"""Energies under Gaussian noise: p_sigma = p * N(0, sigma^2 I), by quadrature or on a grid."""

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
from scipy.fft import fftfreq, irfft2, next_fast_len, rfft2, rfftfreq
from scipy.special import logsumexp

from autoscore.densities.base import Density
from autoscore.numerics.exponentials import softmax_in_place
from autoscore.numerics.grids import gauss_legendre
from autoscore.numerics.panels import STEP, Panels, panels_between
from autoscore.numerics.splines import PlaneSpline

REACH = {1: 14.0, 2: 9.0}  # an integral over noise runs this many sigma to each side of y
MARGIN = 9.0  # sigma by which noise widens a box
RESOLUTION = 12  # panels that resolve p itself over a side of its support in the plane
PANEL_WIDTH = 2.0  # of a panel that resolves the noise, in sigmas
COARSE = 8  # nodes per panel where a thousandth is good enough
CHUNK = 250_000  # nodes at once: 2 MB of doubles
MOST_NODES = 4_000_000  # on a line: beyond that, sigma is too small for the density
CELLS = 512  # of the grid over each side of the box
DEEP = 1e-7  # part of the maximum of p_sigma below which rounding spoils a Fourier transform

Chunks = Iterator[tuple[slice, list[np.ndarray], np.ndarray]]


class SmoothedEnergy(Density):
    """p_sigma = p * N(0, sigma^2 I) of an energy in one or two dimensions, by quadrature.

    Everything follows from the cumulants k1, k2, k3 of x given y = x + e: the score is
    (k1 - y) / sigma^2, the Hessian (k2 / sigma^2 - I) / sigma^2, and component i of the score's
    Laplacian the trace of k3_i / sigma^6. Each panel has `order` Gauss-Legendre nodes. Raise
    ValueError if sigma is not positive, or too small to be resolved on a line.
    """

    def __init__(self, density: Density, sigma: float, order: int = 16) -> None:
        if not sigma > 0:
            raise ValueError(f"sigma must be > 0, not {sigma}")
        self.density = density
        self.sigma = float(sigma)
        self.order = order
        self.dim = density.dim
        if self.dim == 1:
            panels = density.fitted_panels()
            needed = self.order * np.ptp(panels.high) / (PANEL_WIDTH * self.sigma)
            if needed > MOST_NODES:
                raise ValueError(
                    f"sigma must be larger than {self.sigma:g} for a density this wide: "
                    f"{needed:.1g} nodes would resolve the noise, and {MOST_NODES} are the most"
                )
        self.bounds = density.bounds + MARGIN * self.sigma * np.array([-1.0, 1.0])

    @property
    def support(self) -> np.ndarray:
        return self.density.support + MARGIN * self.sigma * np.array([-1.0, 1.0])

    def fitted_panels(self) -> Panels:
        """Return panels no narrower than noise makes p, and the ends of its box."""
        clean = self.density.fitted_panels()
        steps = STEP * self.sigma * np.arange(-6, 7)
        edges = np.unique(np.concatenate([clean.low, clean.high]))
        # one edge per sigma is enough
        edges = edges[np.unique(np.floor(edges / self.sigma), return_index=True)[1]]
        ends = np.concatenate([end + steps for end in (clean.low[0], clean.high[-1])])
        return panels_between(np.unique(np.concatenate([edges, ends])))

    @cached_property
    def _line(self) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes on the line that resolve p and the noise, and log of weight p(x)."""
        panels = self.density.fitted_panels().no_wider_than(PANEL_WIDTH * self.sigma)
        nodes, weights = panels.rule(self.order)
        return nodes, np.log(weights) + self.density.log_prob(nodes[:, None])

    def _chunks(self, y: np.ndarray) -> Chunks:
        """Yield slices of y, nodes along each axis, and log of weight p(x) N(y - x).

        Along an axis there are ``(chunk, nodes)``; all combinations are nodes x, and the logarithms
        have the shape ``(chunk, nodes)`` or ``(chunk, nodes, nodes)``.
        """
        constant = 0.5 * self.dim * np.log(2.0 * np.pi * self.sigma**2)
        for rows, sides, log_weight in self._on_line(y) if self.dim == 1 else self._in_plane(y):
            first, *rest = (
                -0.5 * ((nodes - at[:, None]) / self.sigma) ** 2
                for nodes, at in zip(sides, y[rows].T, strict=True)
            )
            first -= constant
            log_weight += _sums(first, *rest)
            yield rows, sides, log_weight

    def _on_line(self, y: np.ndarray) -> Chunks:
        """Yield slices of y, the nodes within reach of each, and log of weight p(x)."""
        nodes, log_weight = self._line
        nearest = np.clip(y[:, 0], nodes[0], nodes[-1])  # for y outside, the edge matters
        reach = REACH[1] * self.sigma
        first = np.searchsorted(nodes, nearest - reach)
        count = np.searchsorted(nodes, nearest + reach) - first
        # between two pieces of the mass, the nearest nodes matter
        first = np.minimum(np.maximum(first - self.order, 0), len(nodes) - 1)
        count += 2 * self.order
        size = max(1, CHUNK // count.max(initial=1))
        for start in range(0, len(y), size):
            rows = slice(start, start + size)
            index = first[rows, None] + np.arange(count[rows].max())
            at = np.minimum(index, len(nodes) - 1)
            yield rows, [nodes[at]], np.where(index == at, log_weight[at], -np.inf)

    def coarser(self) -> "SmoothedEnergy":
        return SmoothedEnergy(self.density, self.sigma, self.order // 2)

    def _side(self, y: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes and weights along one axis of the plane around each y, shapes (n, nodes)."""
        low, high = self.density.support[axis]
        reach = REACH[2] * self.sigma
        nearest = np.clip(y, low, high)  # for y outside, the edge matters
        start, stop = np.maximum(nearest - reach, low), np.minimum(nearest + reach, high)
        widest = min(2.0 * reach, high - low)
        resolved = RESOLUTION * widest / (high - low)
        panels = int(np.ceil(max(widest / (PANEL_WIDTH * self.sigma), resolved)))
        return gauss_legendre(start, stop, panels, self.order)

    def _in_plane(self, y: np.ndarray) -> Chunks:
        """Yield slices of y, a product of nodes around each, and log of weight p(x)."""
        sides = [self._side(y[:, axis], axis) for axis in (0, 1)]
        counts = [nodes.shape[1] for nodes, _ in sides]
        size = max(1, CHUNK // (counts[0] * counts[1]))
        for start in range(0, len(y), size):
            rows = slice(start, start + size)
            (x1, w1), (x2, w2) = ((nodes[rows], weights[rows]) for nodes, weights in sides)
            x = np.stack(np.broadcast_arrays(x1[:, :, None], x2[:, None]))
            log_p = self.density.log_prob(x.reshape(2, -1).T).reshape(x.shape[1:])
            yield rows, [x1, x2], log_p + _sums(np.log(w1), np.log(w2))

    def _cumulants(self, y: np.ndarray, order: int) -> np.ndarray:
        """Return k1 - y, (n, d); k2, (n, d, d); or the trace of k3, (n, d)."""
        result = np.empty((len(y), self.dim, self.dim) if order == 2 else (len(y), self.dim))
        for rows, sides, share in self._chunks(y):
            softmax_in_place(share.reshape(len(share), -1))
            # relative to y, exact for small sigma
            offsets = [nodes - at[:, None] for nodes, at in zip(sides, y[rows].T, strict=True)]
            alone = [share] if self.dim == 1 else [share.sum(2), share.sum(1)]
            pairs = list(zip(alone, offsets, strict=True))
            means = [np.einsum("nq,nq->n", part, offset) for part, offset in pairs]
            if order == 1:
                result[rows] = np.stack(means, axis=-1)
                continue
            away = [offset - mean[:, None] for offset, mean in zip(offsets, means, strict=True)]
            for axis, (part, centred) in enumerate(zip(alone, away, strict=True)):
                place = (rows, axis, axis) if order == 2 else (rows, axis)
                result[place] = np.einsum("nq,nq->n", part, centred**order)
            if self.dim == 1:
                continue
            one, two = away
            if order == 2:
                both = _expectation(share, one, two)
                result[rows, 0, 1] = result[rows, 1, 0] = both
            else:
                result[rows, 0] += _expectation(share, one, two**2)
                result[rows, 1] += _expectation(share, one**2, two)
        return result

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        result = np.empty(len(x))
        for rows, _, weight in self._chunks(x):
            result[rows] = softmax_in_place(weight.reshape(len(weight), -1))
        return result

    def score(self, x: np.ndarray) -> np.ndarray:
        return self._cumulants(x, 1) / self.sigma**2

    def hessian(self, x: np.ndarray) -> np.ndarray:
        return (self._cumulants(x, 2) / self.sigma**2 - np.eye(self.dim)) / self.sigma**2

    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        return self._cumulants(x, 3) / self.sigma**6

    def score_by_parts(self, x: np.ndarray) -> np.ndarray:
        """Return grad log p_sigma in one dimension from p' * N and the ends of the box.

        A check on `score` that uses the clean score instead of the mean of x.
        """
        result = np.empty((len(x), 1))
        for rows, (nodes,), log_weight in self._chunks(x):
            total = logsumexp(log_weight, axis=1, keepdims=True)
            clean = self.density.score(nodes.reshape(-1, 1)).reshape(log_weight.shape)
            gradient = (np.exp(log_weight - total) * clean).sum(1, keepdims=True)
            for end, sign in zip(self.density.bounds[0], (1.0, -1.0), strict=True):
                log_end = self.density.log_prob(np.array([[end]]))
                log_end = log_end - 0.5 * ((x[rows] - end) / self.sigma) ** 2
                log_end = log_end - np.log(self.sigma) - 0.5 * np.log(2.0 * np.pi)
                gradient += sign * np.exp(log_end - total)
            result[rows] = gradient
        return result

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        clean = self.density.sample(n, rng)
        return clean + self.sigma * rng.standard_normal(clean.shape)

    def smoothed(self, sigma: float) -> "SmoothedEnergy":
        return SmoothedEnergy(self.density, np.hypot(self.sigma, sigma))


def _sums(first: np.ndarray, *rest: np.ndarray) -> np.ndarray:
    """Return the sums of all combinations along each row, ``(n, p)``, or ``(n, p, q)`` of two."""
    return first[:, :, None] + rest[0][:, None] if rest else first


def _expectation(share: np.ndarray, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the mean of products f(x_1) g(x_2) for shares ``(n, p, q)`` of nodes, ``(n,)``."""
    return np.einsum("np,np->n", one, np.matmul(share, two[:, :, None])[:, :, 0])


class SmoothedPlane(SmoothedEnergy):
    """The same in two dimensions by Fourier transforms on a grid, a thousand times faster.

    Noise multiplies the transform of p by exp(-sigma^2 |k|^2 / 2), derivatives multiply it by i k;
    for a smooth p that vanishes at the edge of its box both are exact to rounding. Cubic splines
    interpolate the grid; where p_sigma is too small for that, the quadrature takes over.
    """

    @cached_property
    def _grid(self) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
        """Return the axes, padded by the noise, i k along each, and the transform of p_sigma."""
        axes: list[np.ndarray] = []
        waves: list[np.ndarray] = []
        for low, high in self.density.support:
            step = (high - low) / CELLS
            around = int(np.ceil(REACH[2] * self.sigma / step)) + 4
            n = next_fast_len(CELLS + 1 + 2 * around, real=True)
            axes.append(low + step * (np.arange(n) - around))
            frequencies = rfftfreq if waves else fftfreq  # a real transform halves the last axis
            waves.append(2.0 * np.pi * frequencies(n, step))
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        p = np.exp(self.density.log_prob(points.reshape(-1, 2))).reshape(points.shape[:2])
        decay = [np.exp(-0.5 * (self.sigma * wave) ** 2) for wave in waves]
        slopes = [1j * waves[0][:, None], 1j * waves[1]]
        return axes, slopes, rfft2(p) * decay[0][:, None] * decay[1]

    def _on_grid(self, *derivatives: int) -> np.ndarray:
        """Return a derivative of p_sigma by these coordinates at all grid points."""
        axes, slopes, transform = self._grid
        for axis in derivatives:
            transform = transform * slopes[axis]
        return irfft2(transform, s=[len(axis) for axis in axes])

    @cached_property
    def _p(self) -> np.ndarray:
        return self._on_grid()

    def _relative(self, *derivatives: int) -> np.ndarray:
        """Return a derivative of p_sigma over p_sigma, 0 where nothing but rounding is left."""
        sound = self._p > 1e-6 * DEEP * self._p.max()
        return np.where(sound, self._on_grid(*derivatives) / np.where(sound, self._p, 1.0), 0.0)

    def _spline(self, values: np.ndarray) -> PlaneSpline:
        return PlaneSpline(self._grid[0], values)

    @cached_property
    def _log_prob(self) -> PlaneSpline:
        return self._spline(np.log(np.maximum(self._p, 1e-6 * DEEP * self._p.max())))

    @cached_property
    def _score(self) -> list[PlaneSpline]:
        return [self._spline(self._relative(axis)) for axis in (0, 1)]

    @cached_property
    def _hessian(self) -> list[PlaneSpline]:
        first = [self._relative(axis) for axis in (0, 1)]
        upper, mixed, lower = (
            self._spline(self._relative(i, j) - first[i] * first[j])
            for i, j in ((0, 0), (0, 1), (1, 1))
        )
        return [upper, mixed, mixed, lower]

    def _interpolated(
        self, x: np.ndarray, splines: list[PlaneSpline], exactly: Callable
    ) -> np.ndarray:
        """Return the splines at x, shape ``(n, splines)``, or `exactly` where they fail."""
        low, high = np.array([axis[[0, -1]] for axis in self._grid[0]]).T
        good = ((x > low) & (x < high)).all(1)
        good &= self._log_prob(x) > np.log(DEEP * self._p.max())
        values = np.empty((len(x), len(splines)))
        values[good] = np.stack([spline(x[good]) for spline in splines], axis=-1)
        if not good.all():
            values[~good] = exactly(x[~good]).reshape(-1, len(splines))
        return values

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return self._interpolated(x, [self._log_prob], super().log_prob)[:, 0]

    def score(self, x: np.ndarray) -> np.ndarray:
        return self._interpolated(x, self._score, super().score)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        return self._interpolated(x, self._hessian, super().hessian).reshape(-1, 2, 2)

    def coarser(self) -> SmoothedEnergy:
        """Return the quadrature, which shares nothing with the grid."""
        return SmoothedEnergy(self.density, self.sigma, self.order)

    def smoothed(self, sigma: float) -> "SmoothedPlane":
        return SmoothedPlane(self.density, np.hypot(self.sigma, sigma), self.order)
