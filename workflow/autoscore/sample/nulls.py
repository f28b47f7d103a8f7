"""Null models: what stands beside learned fields and needed no training.

They are given the same points. Draws of them stand beside those of chains, and their fields beside
learned ones where fields themselves are probed. `kde` is drawn from alone: as a field it would cost
a kernel per point and evaluation, more than everything else together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from autoscore.baselines.registry import BASELINES
from autoscore.densities.kernels import KernelDensity
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


@dataclass(frozen=True)
class NullField:
    """What chains and probes need of a field, from its score: r(x) - x = sigma^2 s(x)."""

    score: Callable[[np.ndarray], np.ndarray]
    sigma: float

    def move(self, x: np.ndarray) -> np.ndarray:
        """Return r(x) - x of shape ``(n, d)``."""
        return self.sigma**2 * self.score(x)


def null_fields(
    points: np.ndarray, sigma: float, rng: np.random.Generator
) -> Iterator[tuple[str, NullField]]:
    """Yield the fields of the null models of points ``(m, d)`` at one noise level, with names."""
    for name in FIELDS:
        baseline = BASELINES[name]
        estimate = baseline.fit(points, points[:0], rng)
        yield name, NullField(partial(baseline.score, estimate, sigma), sigma)
