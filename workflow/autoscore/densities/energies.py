"""Densities given by an energy, p(x) proportional to exp(-E(x)) on a box."""

from functools import cached_property, reduce

import numpy as np
from scipy.special import logsumexp

from autoscore.densities.base import Density
from autoscore.densities.expressions import read_energy
from autoscore.densities.smoothing import COARSE, SmoothedEnergy, SmoothedPlane
from autoscore.grids import gauss_legendre

PANELS = {1: 200, 2: 64}  # along each side of the box, to normalise; 16 nodes each
CHECKED = {1: 1001, 2: 101}  # points along each side where an energy must be finite
INVERSE_POINTS = 200_001
CELLS = 1000  # along each side of the box, to sample in two dimensions
VANISHING = 1e-8  # p at the edge of its box, relative to its maximum, that is as good as 0


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
        self._energy, self._score, self._both, self._hessian, self._third = read_energy(
            expression, self.dim
        )
        with np.errstate(all="ignore"):
            sides = [np.linspace(low, high, CHECKED[self.dim]) for low, high in self.bounds]
            values = self.energy(_product(sides))
        if not np.isfinite(values).all():
            raise ValueError(f"the energy {expression!r} is not finite everywhere in its bounds")

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
        return np.where(self._inside(x), -self.energy(x) - self._log_normaliser, -np.inf)

    def _inside(self, x: np.ndarray) -> np.ndarray:
        """Return which points lie in the box, shape ``(n,)``."""
        checks = [
            check
            for side, (low, high) in zip(x.T, self.bounds, strict=True)
            for check in (side >= low, side <= high)
        ]
        return reduce(np.logical_and, checks)

    def log_prob_and_score(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = self._both(x)
        log_p = values[:, 0]
        log_p -= self._log_normaliser
        log_p[~self._inside(x)] = -np.inf
        return log_p, values[:, 1:]

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

    @cached_property
    def _fades(self) -> bool:
        """Whether p is negligible all along the edge of its box."""
        sides = [np.linspace(low, high, CHECKED[self.dim]) for low, high in self.bounds]
        p = np.exp(self.log_prob(_product(sides))).reshape([len(side) for side in sides])
        edge = max(np.moveaxis(p, axis, 0)[[0, -1]].max() for axis in range(self.dim))
        return bool(edge < VANISHING * p.max())

    def smoothed(self, sigma: float) -> SmoothedEnergy:
        if self.dim == 2 and self._fades:
            return SmoothedPlane(self, sigma, COARSE)
        return SmoothedEnergy(self, sigma)


def _product(sides: list[np.ndarray]) -> np.ndarray:
    """Return all points of a product grid, shape (n, d)."""
    return np.stack([part.ravel() for part in np.meshgrid(*sides, indexing="ij")], axis=-1)
