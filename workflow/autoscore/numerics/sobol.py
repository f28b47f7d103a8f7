"""Quasi-random numbers, more even than independent ones, so that sums converge faster."""

import warnings

import numpy as np
from scipy.spatial import KDTree
from scipy.stats import qmc

BITS = 30  # after the point: a sequence has a thousand million points


class SobolSequence:
    """A scrambled Sobol' sequence: quasi-random points in the open unit cube.

    Each point is uniform, and any stretch of the sequence fills the cube more evenly than
    independent points do (Sobol' 1967; scrambled as in Matousek 1998, "On the L2-discrepancy for
    anchored boxes"). Means of smooth functions over n of them err by far less than n^-1/2. `rng`
    only draws the scrambling.
    """

    def __init__(self, rng: np.random.Generator, dim: int) -> None:
        self._engine = qmc.Sobol(dim, scramble=True, bits=BITS, rng=rng)

    @property
    def drawn(self) -> int:
        """Number of points drawn or skipped so far."""
        return self._engine.num_generated

    def draw(self, n: int) -> np.ndarray:
        """Return the next n points, ``(n, dim)``."""
        with warnings.catch_warnings():
            # a first stretch whose length is not a power of 2 is a little less even
            warnings.filterwarnings("ignore", "The balance properties of Sobol' points")
            points = self._engine.random(n)
        return points + 0.5**BITS / 2  # the middle of a cell, never 0

    def skip(self, n: int) -> None:
        """Skip the next n points."""
        if n:
            self._engine.fast_forward(n)


def neighbourly_order(points: np.ndarray) -> np.ndarray:
    """Return an order of points ``(n, d)`` in which neighbours follow each other, shape ``(n,)``.

    It is that of the leaves of a k-d tree: halves of the order are halves of space, and so on, so
    that places spread evenly along it are even among the points.
    """
    return KDTree(points, leafsize=1).indices
