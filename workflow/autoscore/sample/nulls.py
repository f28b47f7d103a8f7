"""Null models: what stands beside learned fields and needed no training.

They are given the same points. Draws of them stand beside those of chains, and their fields beside
learned ones where fields themselves are probed. `kde` is drawn from alone: as a field it would cost
a kernel per point and evaluation, more than everything else together.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from autoscore.baselines.registry import BASELINES
from autoscore.densities.kernels import KernelDensity
from autoscore.fields import Field, FieldAt
from autoscore.optimum.linear import LinearOptimum

FIELDS = ("identity", "untrained", "gaussian")
Draw = Callable[[int, np.random.Generator, float], np.ndarray]  # n, and a noise level to add


def null_draws(points: np.ndarray, validation: np.ndarray, rng: np.random.Generator) -> dict:
    """Return a `Draw` by name: n draws ``(n, d)`` of models of points ``(m, d)``, under noise.

    ``gaussian`` has the mean and covariance of the points; ``kde`` is their kernel density estimate
    with the bandwidth that is likeliest on validation points; ``empirical`` are the points
    themselves, drawn with replacement.
    """
    estimate = BASELINES["kde"].fit(points, validation, rng)
    return {
        "gaussian": LinearOptimum.fit(points).sample,
        "kde": _drawn_from(estimate),
        "empirical": _drawn_from(KernelDensity(points)),
    }


def _drawn_from(estimate: KernelDensity) -> Draw:
    return lambda n, rng, sigma: estimate.smoothed(sigma).sample(n, rng)


class NullField(Field):
    """The field whose score at one noise level is given: r(x) = x + sigma^2 s(x)."""

    def __init__(self, score: Callable[[np.ndarray], np.ndarray], sigma: float, dim: int) -> None:
        self._score, self.sigma, self.dim = score, sigma, dim

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x + self.move(x)

    def score(self, x: np.ndarray) -> np.ndarray:
        return self._score(x)

    def move(self, x: np.ndarray) -> np.ndarray:
        return self.sigma**2 * self._score(x)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        # central differences, a thousandth of the noise apart
        ways = 5e-4 * self.sigma * np.eye(self.dim)
        return np.stack([(self(x + h) - self(x - h)) / (2 * h.sum()) for h in ways], axis=-1)


def null_field_at(name: str, points: np.ndarray, rng: np.random.Generator) -> FieldAt:
    """Return the field of a null model of points ``(m, d)`` at any noise level."""
    estimate = BASELINES[name].fit(points, points[:0], rng)
    return lambda sigma: NullField(
        partial(BASELINES[name].score, estimate, sigma), sigma, points.shape[1]
    )
