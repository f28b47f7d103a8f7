"""Densities given by an energy, p(x) proportional to exp(-E(x)) on a box."""

from collections.abc import Iterator
from functools import cached_property, reduce

import numpy as np
import sympy
from scipy.special import logsumexp

from autoscore.densities.base import Density
from autoscore.densities.expressions import Compiled, coordinates, parse
from autoscore.grids import gauss_legendre

PANELS = {1: 200, 2: 64}  # along each side of the box, to normalise; 16 nodes each
REACH = {1: 14.0, 2: 9.0}  # an integral over noise runs this many sigma to each side of y
RESOLUTION = {1: 40, 2: 12}  # panels that resolve p itself over a side of its box
PANEL_WIDTH = 2.0  # of a panel that resolves the noise, in sigmas
BLOCK = 1_000_000  # nodes held in memory at once
CHECKED = {1: 1001, 2: 101}  # points along each side where an energy must be finite
INVERSE_POINTS = 200_001
CELLS = 1000  # along each side of the box, to sample in two dimensions


class EnergyDensity(Density):
    """p(x) = exp(-E(x)) / Z inside a box and 0 outside, E an expression of the coordinates.

    Derivatives are symbolic, Z is found by quadrature.

    Parameters
    ----------
    expression
        The energy, e.g. ``"x**2 / 2"``; see `autoscore.densities.expressions`.
    bounds
        Shape ``(d, 2)``: the box.

    Raises
    ------
    ValueError
        If the expression is not understood or not finite inside the box, the box is not one, or
        d is neither 1 nor 2.
    """

    def __init__(self, expression: str, bounds: np.ndarray) -> None:
        self.bounds = np.asarray(bounds, dtype=float)
        if (
            self.bounds.ndim != 2
            or self.bounds.shape[1] != 2
            or not (np.isfinite(self.bounds).all() and (np.diff(self.bounds) > 0).all())
        ):
            raise ValueError(
                f"bounds must be [low, high] with low < high for each coordinate: {bounds}"
            )
        self.dim = len(self.bounds)
        if self.dim not in PANELS:
            raise ValueError(f"energies are normalised in one or two dimensions, not {self.dim}")
        names = coordinates(self.dim)
        energy = parse(expression, names)
        symbols = [sympy.Symbol(name, real=True) for name in names]
        gradient = [sympy.diff(energy, symbol) for symbol in symbols]
        laplacian = sum(sympy.diff(energy, symbol, 2) for symbol in symbols)
        self._energy = Compiled([energy], names)
        self._score = Compiled([-part for part in gradient], names)
        self._hessian = Compiled(
            [-sympy.diff(part, s) for part in gradient for s in symbols], names
        )
        with np.errstate(all="ignore"):
            sides = [np.linspace(low, high, CHECKED[self.dim]) for low, high in self.bounds]
            values = self.energy(_product(sides))
        if not np.isfinite(values).all():
            raise ValueError(f"the energy {expression!r} is not finite everywhere in its bounds")
        self._third = Compiled([-sympy.diff(laplacian, symbol) for symbol in symbols], names)

    @cached_property
    def _log_normaliser(self) -> float:
        nodes, weights = self._rule(PANELS[self.dim])
        return float(logsumexp(-self.energy(nodes), b=weights))

    def _rule(self, panels: int) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes (n, d) and weights (n,) of a product rule on the box."""
        sides = [gauss_legendre(low, high, panels) for low, high in self.bounds]
        nodes = _product([nodes for nodes, _ in sides])
        weights = reduce(np.multiply.outer, (weights for _, weights in sides))
        return nodes, weights.ravel()

    def energy(self, x: np.ndarray) -> np.ndarray:
        """Return E(x) of shape ``(n,)``."""
        return self._energy(x)[:, 0]

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        inside = ((x >= self.bounds[:, 0]) & (x <= self.bounds[:, 1])).all(-1)
        return np.where(inside, -self.energy(x) - self._log_normaliser, -np.inf)

    def score(self, x: np.ndarray) -> np.ndarray:
        return self._score(x)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        return self._hessian(x).reshape(-1, self.dim, self.dim)

    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        return self._third(x)

    @cached_property
    def _inverse(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the distribution function on a fine grid, and the grid."""
        x = np.linspace(*self.bounds[0], INVERSE_POINTS)
        p = np.exp(self.log_prob(x[:, None]))
        mass = np.concatenate([[0.0], np.cumsum(0.5 * (p[1:] + p[:-1]))])
        return mass / mass[-1], x

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        if self.dim == 1:
            return np.interp(rng.random(n), *self._inverse)[:, None]
        return self._sample_plane(n, rng)

    @cached_property
    def _cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Return a bound on p in each cell of a fine grid, and its running sum."""
        corners = [np.linspace(low, high, CELLS + 1) for low, high in self.bounds]
        p = np.exp(self.log_prob(_product(corners))).reshape(CELLS + 1, CELLS + 1)
        highest = np.maximum(np.maximum(p[1:, 1:], p[:-1, 1:]), np.maximum(p[1:, :-1], p[:-1, :-1]))
        # a maximum inside a cell exceeds its corners by a second-order term
        bound = (1.05 * highest).ravel()
        return bound, np.cumsum(bound) / bound.sum()

    def _sample_plane(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw by rejection from the piecewise constant bound; nearly all draws are accepted."""
        bound, running = self._cells
        size = np.diff(self.bounds)[:, 0] / CELLS
        found: list[np.ndarray] = []
        while sum(map(len, found)) < n:
            chosen = np.searchsorted(running, rng.random(n))
            cell = np.stack(np.divmod(chosen, CELLS), axis=-1)
            x = self.bounds[:, 0] + size * (cell + rng.random((n, 2)))
            found.append(x[rng.random(n) * bound[chosen] < np.exp(self.log_prob(x))])
        return np.concatenate(found)[:n]

    def smoothed(self, sigma: float) -> "SmoothedEnergy":
        return SmoothedEnergy(self, sigma)


def _product(sides: list[np.ndarray]) -> np.ndarray:
    """Return all points of a product grid, shape (n, d)."""
    return np.stack([part.ravel() for part in np.meshgrid(*sides, indexing="ij")], axis=-1)


class SmoothedEnergy(Density):
    """p_sigma = p * N(0, sigma^2 I) of an energy in one or two dimensions, by quadrature.

    Everything follows from the cumulants k1, k2, k3 of x given y = x + e: the score is
    (k1 - y) / sigma^2, the Hessian (k2 / sigma^2 - I) / sigma^2, and component i of the score's
    Laplacian the trace of k3_i / sigma^6.

    Parameters
    ----------
    density
        The clean density p.
    sigma
        Standard deviation of the noise, > 0.
    order
        Gauss-Legendre nodes a panel.

    Raises
    ------
    ValueError
        If sigma is not positive.
    """

    def __init__(self, density: EnergyDensity, sigma: float, order: int = 16) -> None:
        if not sigma > 0:
            raise ValueError(f"sigma must be > 0, not {sigma}")
        self.density = density
        self.sigma = float(sigma)
        self.order = order
        self.dim = density.dim
        self.bounds = density.bounds + 9.0 * self.sigma * np.array([-1.0, 1.0])

    def _side(self, y: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes and weights along one axis around each y, shapes (n, nodes)."""
        low, high = self.density.bounds[axis]
        reach = REACH[self.dim] * self.sigma
        nearest = np.clip(y, low, high)  # what matters for a y outside the box lies at its edge
        start, stop = np.maximum(nearest - reach, low), np.minimum(nearest + reach, high)
        widest = min(2.0 * reach, high - low)
        resolved = RESOLUTION[self.dim] * widest / (high - low)
        panels = int(np.ceil(max(widest / (PANEL_WIDTH * self.sigma), resolved)))
        return gauss_legendre(start, stop, panels, self.order)

    def _blocks(self, y: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Yield slices of y, their nodes x, (block, nodes, d), and log of weight p(x) N(y - x)."""
        sides = [self._side(y[:, axis], axis) for axis in range(self.dim)]
        size = max(1, BLOCK // int(np.prod([nodes.shape[1] for nodes, _ in sides])))
        for start in range(0, len(y), size):
            rows = slice(start, start + size)
            x, log_weight = sides[0][0][rows, :, None], np.log(sides[0][1][rows])
            for nodes, weights in sides[1:]:
                n, before, after = len(x), x.shape[1], nodes.shape[1]
                grid = np.broadcast_to(x[:, :, None], (n, before, after, x.shape[2]))
                extra = np.broadcast_to(nodes[rows, None, :, None], (n, before, after, 1))
                x = np.concatenate([grid, extra], axis=-1).reshape(n, before * after, -1)
                log_weight = (log_weight[:, :, None] + np.log(weights[rows])[:, None, :]).reshape(
                    n, -1
                )
            prior = self.density.log_prob(x.reshape(-1, self.dim)).reshape(log_weight.shape)
            noise = -0.5 * (((y[rows, None, :] - x) / self.sigma) ** 2).sum(-1)
            noise -= 0.5 * self.dim * np.log(2.0 * np.pi * self.sigma**2)
            yield rows, x, log_weight + prior + noise

    def _cumulants(self, y: np.ndarray, order: int) -> np.ndarray:
        """Return k1 - y, (n, d); k2, (n, d, d); or the trace of k3, (n, d)."""
        parts = []
        for rows, x, log_weight in self._blocks(y):
            share = np.exp(log_weight - log_weight.max(1, keepdims=True))
            share /= share.sum(1, keepdims=True)
            offset = x - y[rows, None, :]  # relative to y: nothing is lost when sigma is small
            mean = np.einsum("nq,nqi->ni", share, offset)
            if order == 1:
                parts.append(mean)
                continue
            centred = offset - mean[:, None, :]
            if order == 2:
                parts.append(np.einsum("nq,nqi,nqj->nij", share, centred, centred, optimize=True))
            else:
                share *= (centred**2).sum(-1)
                parts.append(np.einsum("nq,nqi->ni", share, centred))
        return np.concatenate(parts)

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return np.concatenate([logsumexp(log_w, axis=1) for _, _, log_w in self._blocks(x)])

    def score(self, x: np.ndarray) -> np.ndarray:
        return self._cumulants(x, 1) / self.sigma**2

    def hessian(self, x: np.ndarray) -> np.ndarray:
        return (self._cumulants(x, 2) / self.sigma**2 - np.eye(self.dim)) / self.sigma**2

    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        return self._cumulants(x, 3) / self.sigma**6

    def score_by_parts(self, x: np.ndarray) -> np.ndarray:
        """Return grad log p_sigma from p' * N and the ends of the box, not from the mean of x.

        A second road to `score` in one dimension, for checking: it uses the clean score instead
        of x itself.
        """
        low_and_high = self.density.bounds[0]
        parts = []
        for rows, nodes, log_weight in self._blocks(x):
            total = logsumexp(log_weight, axis=1, keepdims=True)
            clean = self.density.score(nodes.reshape(-1, 1)).reshape(log_weight.shape)
            gradient = (np.exp(log_weight - total) * clean).sum(1, keepdims=True)
            for end, sign in zip(low_and_high, (1.0, -1.0), strict=True):
                log_end = self.density.log_prob(np.array([[end]]))
                log_end = log_end - 0.5 * ((x[rows] - end) / self.sigma) ** 2
                log_end = log_end - np.log(self.sigma) - 0.5 * np.log(2.0 * np.pi)
                gradient += sign * np.exp(log_end - total)
            parts.append(gradient)
        return np.concatenate(parts)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        clean = self.density.sample(n, rng)
        return clean + self.sigma * rng.standard_normal(clean.shape)

    def smoothed(self, sigma: float) -> "SmoothedEnergy":
        return SmoothedEnergy(self.density, np.hypot(self.sigma, sigma))
