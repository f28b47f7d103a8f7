"""What a chain asks of the density that it samples: scores, and differences of log p.

Kernels know nothing of fields and densities. They are given a target, which decides how
log p(y) - log p(x) is found: exactly, along the segment from x to y, or from the score at x alone.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol

import numpy as np

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.numerics.grids import gauss_legendre, gauss_lobatto

Bounds = np.ndarray | None  # a box, (d, 2)
EVEN_POINTS = 20  # as in the authors' repository


class Scored(Protocol):
    """Anything with a score; every `Field` and every `Density` is one."""

    def score(self, x: np.ndarray) -> np.ndarray:
        """Return the score of shape ``(n, d)`` at x of shape ``(n, d)``."""


class Known(NamedTuple):
    """What a target knows about n points, and the number of evaluations that it took.

    The score ``(n, d)`` is None if it was neither requested nor free, log p ``(n,)`` is None if
    the target has none.
    """

    score: np.ndarray | None
    log_prob: np.ndarray | None
    evaluations: int


Compared = tuple[np.ndarray, Known]


class Target(ABC):
    """The density p^(1/T) as a sampler sees it, T > 0; `source` gives the score of p.

    Outside the bounds, if there are any, p is taken to vanish.
    """

    def __init__(self, source: Scored, temperature: float = 1.0, bounds: Bounds = None) -> None:
        self.source = source
        self.temperature = float(temperature)
        self.bounds = None if bounds is None else np.asarray(bounds, dtype=float)
        self.sigma: float | None = getattr(source, "sigma", None)

    def score(self, x: np.ndarray) -> np.ndarray:
        """Return the score of p^(1/T), of shape ``(n, d)``."""
        return self._tempered(self.source.score(x))

    @abstractmethod
    def evaluate(self, x: np.ndarray, *, score: bool) -> Known:
        """Return what `compare` needs to know of its first point; a score may cost more."""

    @abstractmethod
    def _difference(self, x: np.ndarray, known: Known, y: np.ndarray, *, score: bool) -> Compared:
        """Return log p(y) - log p(x), without bounds and temperature, and what is known of y."""

    def compare(self, x: np.ndarray, known: Known, y: np.ndarray, *, score: bool) -> Compared:
        """Return log p(y)/T - log p(x)/T, shape ``(n,)``, and what is then known of y.

        `known` is what `evaluate` or `compare` returned for x, or a state with that score and log
        p. `score` asks for the score at y, and needs that at x to be known. The difference is -inf
        where y is out of bounds and NaN where it is undefined.
        """
        difference, found = self._difference(x, known, y, score=score)
        if self.bounds is not None:
            inside = ((y >= self.bounds[:, 0]) & (y <= self.bounds[:, 1])).all(-1)
            difference = np.where(inside, difference, -np.inf)
        return self._tempered(difference), found

    def _tempered(self, values: np.ndarray) -> np.ndarray:
        # most chains have T = 1, and a division of few numbers costs as much as a call
        return values if self.temperature == 1 else values / self.temperature


class ExactTarget(Target):
    """A density whose log p is known: differences are exact."""

    def evaluate(self, x: np.ndarray, *, score: bool) -> Known:
        if not score:
            return Known(None, self.source.log_prob(x), len(x))
        log_p, found = self.source.log_prob_and_score(x)
        return Known(self._tempered(found), log_p, len(x))

    def _difference(self, x: np.ndarray, known: Known, y: np.ndarray, *, score: bool) -> Compared:
        found = self.evaluate(y, score=score)
        # p is nowhere infinite; a chain where it vanishes accepts every move to where it does not
        log_p = found.log_prob
        if not log_p.max(initial=-np.inf) < np.inf:
            log_p = np.where(log_p < np.inf, log_p, np.nan)
        return log_p - known.log_prob, found


class PathTarget(Target):
    """Differences of log p from the score, integrated along the segment (statement C6).

    Both rules are symmetric, so that the difference from y to x is minus that from x to y, and
    exact for scores that are polynomials of degree 2 `nodes` - 1 on the segment. Gauss-Legendre
    nodes need neither end. Where the score at y is asked for and that at x is known, Lobatto's rule
    takes both, with one node fewer between them: a step of Langevin's costs as many evaluations as
    there are `nodes`.
    """

    def __init__(
        self, source: Scored, nodes: int, temperature: float = 1.0, bounds: Bounds = None
    ) -> None:
        super().__init__(source, temperature, bounds)
        t, self._weights = gauss_legendre(0.0, 1.0, panels=1, order=nodes)
        self._t = t[:, None, None]
        t, self._weights_with_ends = gauss_lobatto(nodes + 1)
        self._t_after_x = t[1:, None, None]

    def evaluate(self, x: np.ndarray, *, score: bool) -> Known:
        return Known(self.score(x) if score else None, None, len(x) * score)

    def _difference(self, x: np.ndarray, known: Known, y: np.ndarray, *, score: bool) -> Compared:
        way = y - x
        if not score:
            along = self._along(x, self._t, way)[1]
            return _finite(self._weights @ along), Known(None, None, len(self._t) * len(x))
        scores, along = self._along(x, self._t_after_x, way)
        at_x = self.temperature * np.einsum("nd,nd->n", known.score, way)
        difference = self._weights_with_ends[0] * at_x + self._weights_with_ends[1:] @ along
        at_y = Known(self._tempered(scores[-1]), None, len(self._t_after_x) * len(x))
        return _finite(difference), at_y

    def _along(self, x: np.ndarray, t: np.ndarray, way: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return scores at x + t way, in one call, ``(k, n, d)``, and along the way, ``(k, n)``."""
        points = x + t * way
        scores = self.source.score(points.reshape(-1, x.shape[1])).reshape(points.shape)
        return scores, np.einsum("knd,nd->kn", scores, way)


class EvenTarget(PathTarget):
    """Differences of log p from even points on the segment, both ends included, equally weighted.

    So the authors' repository integrates, with 20 points. Equal weights count the ends twice as
    much as the trapezoidal rule does: the error falls with 1 / points, not with its square.
    """

    def __init__(
        self, source: Scored, points: int, temperature: float = 1.0, bounds: Bounds = None
    ) -> None:
        super().__init__(source, 1, temperature, bounds)
        self._t = np.linspace(0.0, 1.0, points)[:, None, None]
        self._t_after_x = self._t[1:]
        self._weights = self._weights_with_ends = np.full(points, 1.0 / points)


class OnePointTarget(Target):
    """Differences of log p to first order, s(x) . (y - x): cheaper and worse (statement C6).

    The difference from y to x is not minus that from x to y, so that no density makes a chain
    that uses it reversible.
    """

    def evaluate(self, x: np.ndarray, *, score: bool) -> Known:
        return Known(self.score(x), None, len(x))

    def _difference(self, x: np.ndarray, known: Known, y: np.ndarray, *, score: bool) -> Compared:
        slope = self.temperature * known.score
        return _finite(np.einsum("nd,nd->n", slope, y - x)), self.evaluate(y, score=True)


def _finite(difference: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(difference), difference, np.nan)


def make_target(
    source: Scored, difference: str | int, temperature: float = 1.0, bounds: Bounds = None
) -> Target:
    """Return the target whose differences of log p are ``"exact"``, ``"one-point"`` or by path.

    For a path, `difference` is its number of Gauss nodes, >= 1, or ``"even"`` for even points.
    """
    match difference:
        case "exact":
            return ExactTarget(source, temperature, bounds)
        case "one-point":
            return OnePointTarget(source, temperature, bounds)
        case "even":
            return EvenTarget(source, EVEN_POINTS, temperature, bounds)
    return PathTarget(source, difference, temperature, bounds)


class ExactField(Field):
    """r(x) = x + sigma^2 grad log p(x): the reconstruction whose score is that of p itself.

    If sigma^2 is the step of Langevin's method, it is the drift that the authors' repository uses
    on known densities.
    """

    def __init__(self, density: Density, sigma: float) -> None:
        self.density, self.dim, self.sigma = density, density.dim, float(sigma)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x + self.sigma**2 * self.density.score(x)

    def score(self, x: np.ndarray) -> np.ndarray:
        return self.density.score(x)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        return np.eye(self.dim) + self.sigma**2 * self.density.hessian(x)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        return self.density.hessian(x)
