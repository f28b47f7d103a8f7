"""Draws of null models, which stand beside those of chains: given the same points, untrained."""

from collections.abc import Callable

import numpy as np

from autoscore.densities.kernels import KernelDensity
from autoscore.nulls import Fitted

# null models whose fields are probed like learned ones; of a kernel density estimate it would cost
# a kernel per point and evaluation, more than everything else together
FIELDS = ("identity", "untrained", "gaussian")
Draw = Callable[[int, np.random.Generator, float], np.ndarray]  # n, and a noise level to add


def null_draws(points: np.ndarray, fitted: dict[str, Fitted]) -> dict[str, Draw]:
    """Return a `Draw` by name: n draws ``(n, d)`` of models of points ``(m, d)``, under noise.

    ``gaussian`` has the mean and covariance of the points; ``kde`` is their kernel density estimate
    with the bandwidth that is likeliest on validation points; ``empirical`` are the points
    themselves, drawn with replacement.
    """
    return {
        "gaussian": fitted["gaussian"].estimate.sample,
        "kde": _drawn_from(fitted["kde"].estimate),
        "empirical": _drawn_from(KernelDensity(points)),
    }


def _drawn_from(estimate: KernelDensity) -> Draw:
    return lambda n, rng, sigma: estimate.smoothed(sigma).sample(n, rng)
