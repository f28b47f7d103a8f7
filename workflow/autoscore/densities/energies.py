"""Densities given by an energy, p(x) proportional to exp(-E(x)) on a box."""

from functools import cached_property

import numpy as np
import sympy
from scipy.special import logsumexp

from autoscore.densities.base import Density
from autoscore.densities.expressions import Compiled, coordinates, parse
from autoscore.grids import gauss_legendre

NORMALISING_PANELS = 200
CHECKED_POINTS = 1001
INVERSE_POINTS = 200_001


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
        d is not 1.
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
        if self.dim != 1:
            raise ValueError(f"energies are normalised in one dimension, not in {self.dim}")
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
            values = self._energy(np.linspace(*self.bounds.T, CHECKED_POINTS))
        if not np.isfinite(values).all():
            raise ValueError(f"the energy {expression!r} is not finite everywhere in its bounds")
        self._third = Compiled([-sympy.diff(laplacian, symbol) for symbol in symbols], names)

    @cached_property
    def _log_normaliser(self) -> float:
        nodes, weights = gauss_legendre(*self.bounds[0], NORMALISING_PANELS)
        return float(logsumexp(-self.energy(nodes[:, None]), b=weights))

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
        return np.interp(rng.random(n), *self._inverse)[:, None]

    def smoothed(self, sigma: float) -> "SmoothedEnergy":
        return SmoothedEnergy(self, sigma)


class SmoothedEnergy(Density):
    """p_sigma = p * N(0, sigma^2) of a one-dimensional energy, by quadrature.

    Everything follows from the cumulants k1, k2, k3 of x given y = x + e: the
    score is (k1 - y) / sigma^2, the Hessian (k2 / sigma^2 - 1) / sigma^2, the
    Laplacian of the score k3 / sigma^6.

    Parameters
    ----------
    density
        The clean density p, with d = 1.
    sigma
        Standard deviation of the noise, > 0.
    order
        Gauss-Legendre nodes a panel.

    Raises
    ------
    ValueError
        If sigma is not positive.
    """

    REACH = 14.0  # the integrand is followed this many sigma to each side of y
    RESOLUTION = 40  # panels that resolve p itself over its whole box

    def __init__(self, density: EnergyDensity, sigma: float, order: int = 16) -> None:
        if not sigma > 0:
            raise ValueError(f"sigma must be > 0, not {sigma}")
        self.density = density
        self.sigma = float(sigma)
        self.order = order
        self.dim = density.dim
        self.bounds = density.bounds + 9.0 * self.sigma * np.array([-1.0, 1.0])

    def _posterior(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes x and log of weight p(x) N(y - x; sigma^2), both of shape (n, nodes)."""
        low, high = self.density.bounds[0]
        reach = self.REACH * self.sigma
        nearest = np.clip(y, low, high)  # what matters for a y outside the box lies at its edge
        start, stop = np.maximum(nearest - reach, low), np.minimum(nearest + reach, high)
        widest = min(2.0 * reach, high - low)
        panels = int(
            np.ceil(max(widest / (2.0 * self.sigma), self.RESOLUTION * widest / (high - low)))
        )
        x, weights = gauss_legendre(start, stop, panels, self.order)
        log_prior = self.density.log_prob(x.reshape(-1, 1)).reshape(x.shape)
        log_noise = -0.5 * ((y[:, None] - x) / self.sigma) ** 2
        log_noise -= np.log(self.sigma) + 0.5 * np.log(2.0 * np.pi)
        return x, np.log(weights) + log_prior + log_noise

    def _cumulant(self, y: np.ndarray, order: int) -> np.ndarray:
        x, log_weight = self._posterior(y[:, 0])
        share = np.exp(log_weight - log_weight.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        offset = x - y  # relative to y: nothing is lost when sigma is small
        mean = (share * offset).sum(1, keepdims=True)
        if order == 1:
            return mean
        return (share * (offset - mean) ** order).sum(1, keepdims=True)

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return logsumexp(self._posterior(x[:, 0])[1], axis=1)

    def score_by_parts(self, x: np.ndarray) -> np.ndarray:
        """Return grad log p_sigma from p' * N and the ends of the box, not from the mean of x.

        A second road to `score`, for checking: it uses the clean score instead of x itself.
        """
        nodes, log_weight = self._posterior(x[:, 0])
        total = logsumexp(log_weight, axis=1, keepdims=True)
        clean = self.density.score(nodes.reshape(-1, 1)).reshape(nodes.shape)
        gradient = (np.exp(log_weight - total) * clean).sum(1, keepdims=True)
        for end, sign in zip(self.density.bounds[0], (1.0, -1.0), strict=True):
            log_end = self.density.log_prob(np.array([[end]])) - 0.5 * ((x - end) / self.sigma) ** 2
            log_end = log_end - np.log(self.sigma) - 0.5 * np.log(2.0 * np.pi)
            gradient += sign * np.exp(log_end - total)
        return gradient

    def score(self, x: np.ndarray) -> np.ndarray:
        return self._cumulant(x, 1) / self.sigma**2

    def hessian(self, x: np.ndarray) -> np.ndarray:
        return ((self._cumulant(x, 2) / self.sigma**2 - 1.0) / self.sigma**2)[:, :, None]

    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        return self._cumulant(x, 3) / self.sigma**6

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        clean = self.density.sample(n, rng)
        return clean + self.sigma * rng.standard_normal(clean.shape)

    def smoothed(self, sigma: float) -> "SmoothedEnergy":
        return SmoothedEnergy(self.density, np.hypot(self.sigma, sigma))
