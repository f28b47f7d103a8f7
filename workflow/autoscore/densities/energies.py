"""Densities given by an energy, p(x) proportional to exp(-E(x)) on a box."""

from functools import cached_property

import numpy as np
from scipy.ndimage import minimum_filter
from scipy.special import logsumexp

from autoscore.densities.base import Density
from autoscore.densities.closed_forms import Expressions
from autoscore.densities.declaration import REAL, Kind, array
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.smoothing import COARSE, SmoothedEnergy, SmoothedPlane
from autoscore.numerics.grids import gauss_legendre
from autoscore.numerics.panels import Panels, resolve

PANELS = 64  # along each side of a box in the plane, to normalise; 16 nodes each
CHECKED = {1: 1001, 2: 101}  # points along each side where an energy must be finite
LOOKS = 65  # points along each side of a box that closes in on the mass
COARSER = (24, 32)  # panels in the plane, between which the integral may change by
RESOLVED = 1e-6  # of itself
INVERSE_POINTS = 200_001  # over the support, to draw in one dimension
INVERSE_PARTS = 200  # per panel, at least
CELLS = 1000  # along each side of the box, to sample in two dimensions
VANISHING = 1e-8  # of its maximum: p at the edge of its box that is as good as 0
NEGLIGIBLE = 60.0  # nats below its maximum, where p has no mass that matters
WIDE = 0.2  # of a side of the support; a grid for wider noise would fill the memory


class EnergyDensity(Density):
    """p(x) = exp(-E(x)) / Z inside a box and 0 outside, E an expression of the coordinates.

    Derivatives are symbolic; quadrature finds Z. The expression is one that
    `autoscore.numerics.expressions` parses, e.g. ``"x**2 / 2"``, and bounds are the box, shape
    ``(d, 2)``. Raise ValueError if the expression is not understood or not finite in the box, the
    box is empty, or d is neither 1 nor 2.

    Examples
    --------
    A double well: p is proportional to exp(-E), and the score is -E'.

    >>> p = EnergyDensity("2 * (x**2 - 1)**2", [[-3, 3]])
    >>> p.score(np.array([[-0.5], [0.5], [1.5]])).ravel()
    array([ -3.,   3., -15.])
    """

    def __init__(self, expression: str, bounds: np.ndarray) -> None:
        self.bounds = np.asarray(bounds, dtype=float)
        is_box = self.bounds.ndim == 2 and self.bounds.shape[1] == 2
        if not (is_box and np.isfinite(self.bounds).all() and (np.diff(self.bounds) > 0).all()):
            raise ValueError(
                f"bounds must be [low, high] with low < high for each coordinate: {bounds}"
            )
        self.dim = len(self.bounds)
        if self.dim not in CHECKED:
            raise ValueError(f"energies are normalised in one or two dimensions, not {self.dim}")
        from autoscore.numerics.expressions import read_energy  # SymPy: half a second

        self._symbolic = read_energy(expression, self.dim)
        with np.errstate(all="ignore"):
            values = self.energy(_product(_sides(self.bounds, CHECKED[self.dim])))
        if not np.isfinite(values).all():
            raise ValueError(f"the energy {expression!r} is not finite everywhere in its bounds")

    @cached_property
    def _panels(self) -> Panels:
        return resolve(lambda x: -self.energy(x[:, None]), *self.bounds[0])

    def fitted_panels(self) -> Panels:
        return self._panels

    @cached_property
    def _log_normaliser(self) -> float:
        if self.dim == 2:
            return self._log_integral(PANELS)
        nodes, weights = self.fitted_panels().rule()
        return float(logsumexp(-self.energy(nodes[:, None]), b=weights))

    def _rule(self, panels: int) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes (n, 2) and weights (n,) of a product rule on the support."""
        (x1, w1), (x2, w2) = (gauss_legendre(low, high, panels) for low, high in self.support)
        return _product([x1, x2]), np.multiply.outer(w1, w2).ravel()

    def _log_integral(self, panels: int) -> float:
        nodes, weights = self._rule(panels)
        return float(logsumexp(-self.energy(nodes), b=weights))

    @cached_property
    def _nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return points and weights that stand for p under wide noise in the plane."""
        nodes, weights = self._rule(PANELS // 2)
        weights = weights * np.exp(self.log_prob(nodes))
        held = weights > 1e-12 * weights.max()
        return nodes[held], weights[held]

    def check_resolved(self) -> None:
        box = self.bounds.tolist()
        try:
            if self.dim == 1:
                self.fitted_panels()
                return
            one, other = (self._log_integral(panels) for panels in COARSER)
        except ValueError as error:
            raise ValueError(f"bounds must be nearer to the mass than {box}: {error}") from None
        with np.errstate(over="ignore"):
            change = abs(np.expm1(one - other))
        if not change < RESOLVED:
            raise ValueError(
                f"bounds must be nearer to the mass than {box}: the integral of exp(-E) is not "
                f"resolved, and changes by {change:.1g} of itself from {COARSER[0]} panels along "
                f"each side to {COARSER[1]}"
            )

    @cached_property
    def support(self) -> np.ndarray:
        found = self._mass_on_line() if self.dim == 1 else self._mass_in_plane()
        # bounds that fit well enough stay as they are
        narrow = np.ptp(found, axis=1) < 0.5 * np.ptp(self.bounds, axis=1)
        return np.where(narrow[:, None], found, self.bounds)

    def _mass_on_line(self) -> np.ndarray:
        panels = self._panels
        height = -self.energy(0.5 * (panels.low + panels.high)[:, None])
        held = np.flatnonzero(height > height.max() - NEGLIGIBLE)
        return np.array([[panels.low[held[0]], panels.high[held[-1]]]])

    def _mass_in_plane(self) -> np.ndarray:
        """Return a box that closes in, look by look, on all points near the lowest energy."""
        deepest, box = self._minima(), self.bounds
        while True:
            points = np.concatenate([_product(_sides(box, LOOKS)), deepest])
            energy = self.energy(points)
            held = points[energy < energy.min() + NEGLIGIBLE]
            cell = np.diff(box)[:, 0] / (LOOKS - 1)
            closer = np.stack([held.min(0) - cell, held.max(0) + cell], axis=1)
            closer = np.clip(closer, self.bounds[:, :1], self.bounds[:, 1:])
            if (np.diff(closer) > 0.9 * np.diff(box)).all():
                return closer
            box = closer

    def _minima(self) -> np.ndarray:
        """Return the minima of a grid, each followed down in ever smaller steps, (n, 2)."""
        sides = _sides(self.bounds, CHECKED[2])
        energy = self.energy(_product(sides)).reshape(CHECKED[2], CHECKED[2])
        around = minimum_filter(energy, size=3, mode="nearest")
        lowest = np.argwhere(energy == around)
        lowest = lowest[np.argsort(energy[*lowest.T], kind="stable")][:64]
        x = np.stack([side[index] for side, index in zip(sides, lowest.T, strict=True)], axis=-1)
        step = np.array([side[1] - side[0] for side in sides])
        moves = _product([np.array([-1.0, 0.0, 1.0])] * 2)
        for _ in range(100):
            tried = np.clip(x[:, None] + moves * step, self.bounds[:, 0], self.bounds[:, 1])
            values = self.energy(tried.reshape(-1, 2)).reshape(len(x), -1)
            x = tried[np.arange(len(x)), values.argmin(1)]
            step = np.where((values.argmin(1) == len(moves) // 2).all(), 0.5, 0.75) * step
        return x

    def energy(self, x: np.ndarray) -> np.ndarray:
        """Return E(x) of shape ``(n,)``."""
        return self._symbolic.value(x)[:, 0]

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return np.where(self._inside(x), -self.energy(x) - self._log_normaliser, -np.inf)

    def _inside(self, x: np.ndarray) -> np.ndarray:
        inside = np.ones(len(x), bool)
        for column, (low, high) in zip(x.T, self.bounds, strict=True):  # faster than all(1)
            inside &= (column >= low) & (column <= high)
        return inside

    def log_prob_and_score(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = self._symbolic.both(x)
        log_p = values[:, 0]
        log_p -= self._log_normaliser
        log_p[~self._inside(x)] = -np.inf
        return log_p, values[:, 1:]

    def score(self, x: np.ndarray) -> np.ndarray:
        return self._symbolic.score(x)

    def closed_form(self) -> Expressions:
        return Expressions(self._symbolic.expressions, self.bounds, self._log_normaliser)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        return self._symbolic.hessian(x).reshape(-1, self.dim, self.dim)

    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        return self._symbolic.third(x)

    @cached_property
    def _inverse(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the distribution function on a fine grid, and that grid."""
        panels = self.fitted_panels()
        parts = np.ceil((panels.high - panels.low) / np.ptp(self.support) * INVERSE_POINTS)
        fine = panels.cut(np.clip(parts, INVERSE_PARTS, INVERSE_POINTS).astype(int))
        x = np.append(fine.low, fine.high[-1])
        p = np.exp(self.log_prob(x[:, None]))
        mass = np.concatenate([[0.0], np.cumsum(0.5 * (p[1:] + p[:-1]) * np.diff(x))])
        return mass / mass[-1], x

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        if self.dim == 1:
            return np.interp(rng.random(n), *self._inverse)[:, None]
        # rejection from a piecewise constant bound accepts nearly all draws
        bound, running = self._cells
        size = np.diff(self.support)[:, 0] / CELLS
        found = [np.empty((0, 2))]
        while sum(map(len, found)) < n:
            chosen = np.searchsorted(running, rng.random(n))
            cell = np.stack(np.divmod(chosen, CELLS), axis=-1)
            x = self.support[:, 0] + size * (cell + rng.random((n, 2)))
            found.append(x[rng.random(n) * bound[chosen] < np.exp(self.log_prob(x))])
        return np.concatenate(found)[:n]

    @cached_property
    def _cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Return a bound on p in each cell of a fine grid, and its running sum."""
        corners = _product(_sides(self.support, CELLS + 1))
        p = np.exp(self.log_prob(corners)).reshape(CELLS + 1, CELLS + 1)
        highest = np.maximum(np.maximum(p[1:, 1:], p[:-1, 1:]), np.maximum(p[1:, :-1], p[:-1, :-1]))
        # a maximum inside a cell exceeds its corners by a second-order term
        bound = (1.05 * highest).ravel()
        return bound, np.cumsum(bound) / bound.sum()

    @cached_property
    def _fades(self) -> bool:
        """Whether p is negligible all along the edge of its support."""
        points = CHECKED[self.dim]
        energy = self.energy(_product(_sides(self.support, points))).reshape(points, points)
        p = np.exp(energy.min() - energy)  # up to a factor, which takes an integral
        edge = max(np.moveaxis(p, axis, 0)[[0, -1]].max() for axis in range(self.dim))
        return bool(edge < VANISHING * p.max())

    def smoothed(self, sigma: float) -> Density:
        if self.dim == 1 or not self._fades:
            return SmoothedEnergy(self, sigma)
        if sigma > WIDE * np.diff(self.support).min():
            nodes, weights = self._nodes
            return KernelDensity(nodes, sigma, weights)
        return SmoothedPlane(self, sigma, COARSE)


def _sides(box: np.ndarray, points: int) -> list[np.ndarray]:
    return [np.linspace(low, high, points) for low, high in box]


def _product(sides: list[np.ndarray]) -> np.ndarray:
    """Return all points of a product grid, shape (n, d)."""
    return np.stack([part.ravel() for part in np.meshgrid(*sides, indexing="ij")], axis=-1)


KIND = Kind(
    name="energy",
    about="an expression of x, or of x1 and x2, and its bounds",
    properties={
        "expression": {
            "description": "Energy as an expression of the coordinate x, or of x1 and x2; p is "
            "proportional to exp(-energy).",
            "type": "string",
        },
        "bounds": array(
            "The interval [[low, high]], one per coordinate, outside of which an energy's density "
            "is 0.",
            array("[low, high]", REAL, minItems=2, maxItems=2),
        ),
    },
    make=lambda entry: EnergyDensity(entry["expression"], entry["bounds"]),
    dimension=lambda entry: len(entry["bounds"]),
    required=("expression", "bounds"),
    fault_phrases={"bounds must": "bounds"},
)
