"""How far samples are from the density that they should follow.

Every distance has a floor, which is what independent draws of the same number score.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.spatial.distance import pdist
from scipy.special import digamma, logsumexp

from autoscore.densities.base import Density
from autoscore.numerics.grids import gauss_legendre
from autoscore.numerics.pairwise import Distances
from autoscore.wording import require

ROWS = 400  # points whose distances to all others are computed at once
WIDE = 64  # dimensions from which distances are computed much faster from a matrix product
PairFunction = Callable[[np.ndarray], np.ndarray]  # of squared distances, which it leaves alone


@dataclass(frozen=True)
class Cells:
    """A grid of cells, given by increasing edges along each coordinate.

    ``log_probabilities`` holds the log of each cell's probability, in the order of
    ``numpy.ravel``, and last that of all space outside, which is at least the rounding error 2^-52.
    """

    edges: tuple[np.ndarray, ...]
    log_probabilities: np.ndarray

    @classmethod
    def of(cls, density: Density, edges: Sequence[np.ndarray], order: int = 4) -> "Cells":
        """Integrate a density over cells, with `order` Gauss-Legendre nodes along each side."""
        sides = [gauss_legendre(e[:-1], e[1:], panels=1, order=order) for e in edges]
        shape = [len(e) - 1 for e in edges]
        nodes = np.stack(np.meshgrid(*(n.ravel() for n, _ in sides), indexing="ij"), axis=-1)
        log_p = density.log_prob(nodes.reshape(-1, len(shape)))
        log_weight = reduce(np.add.outer, (np.log(w).ravel() for _, w in sides))
        terms = (log_p.reshape(log_weight.shape) + log_weight).reshape(
            [size for cells in shape for size in (cells, order)]
        )
        inside = logsumexp(terms, axis=tuple(range(1, 2 * len(shape), 2))).ravel()
        outside = max(1.0 - np.exp(logsumexp(inside)), np.finfo(float).eps)
        return cls(tuple(edges), np.append(inside, np.log(outside)))

    def counts(self, samples: np.ndarray) -> np.ndarray:
        """Return how many samples, shape ``(n, d)``, lie in each cell and, last, outside."""
        inside = np.histogramdd(samples, bins=self.edges)[0].ravel().astype(int)
        return np.append(inside, len(samples) - inside.sum())


def histogram_kl(samples: np.ndarray, cells: Cells, *, corrected: bool = False) -> float:
    """Return KL(q || p) over cells, in nats, q the distribution of independent samples ``(n, d)``.

    The relative frequencies themselves ("plug-in") give on average about (occupied cells - 1) /
    (2n) too much. Corrected, the entropy of q is estimated as by Grassberger (2003, "Entropy
    estimates from insufficient samplings", arXiv:physics/0307138), which for independent draws
    leaves next to no bias: the floor is then about 0, and values may be negative. Raises
    ValueError without samples.
    """
    require("a divergence", len(samples))
    counts, n = cells.counts(samples), len(samples)
    occupied = counts > 0
    k = counts[occupied]
    cross_entropy = -(k @ cells.log_probabilities[occupied]) / n
    if not corrected:
        return float(cross_entropy - np.log(n) + k @ np.log(k) / n)
    alternating = np.where(k % 2, -0.5, 0.5) * (digamma((k + 1) / 2) - digamma(k / 2))
    return float(cross_entropy - np.log(n) + k @ (digamma(k) + alternating) / n)


def median_distance(x: np.ndarray, most: int = 2000) -> float:
    """Return the median distance between the first `most` of the points x, shape ``(n, d)``.

    Raises ValueError for fewer than two points.
    """
    require("a distance between points", len(x), 2)
    return float(np.median(pdist(x[:most])))


def gaussian_kernel(bandwidth: float) -> PairFunction:
    """Return the kernel exp(-|x - y|^2 / (2 bandwidth^2)) as a function of squared distances."""
    if not bandwidth > 0:
        raise ValueError(f"the bandwidth must be > 0, not {bandwidth}")

    def kernel(squared: np.ndarray) -> np.ndarray:
        scaled = squared * (-0.5 / bandwidth**2)
        return np.exp(scaled, out=scaled)

    return kernel


class Discrepancies:
    """2 E f(x, y) - E f(x, x') - E f(y, y') between samples x and one sample y, for functions f.

    All are unbiased: 0 in expectation for samples of one density, as often negative as positive.
    With the distance it is the energy distance (Szekely and Rizzo 2013, J. Stat. Plan. Inference
    143), which needs no bandwidth; with a kernel, minus the squared maximum mean discrepancy.
    They are NaN where a sample is a single point, which has no pair; an empty sample is a
    ValueError. The functions are of squared distances, and those within y are computed once.
    """

    def __init__(self, y: np.ndarray, functions: Sequence[PairFunction]) -> None:
        require("a discrepancy", len(y))
        self._y, self._functions = y, functions
        self._within = _means_within(y, functions)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return one number per function for x, shape ``(n, d)``; time grows with n (n + m)."""
        require("a discrepancy", len(x))
        total = sum(
            _sums(_squared_distances(x[start : start + ROWS], self._y), self._functions)
            for start in range(0, len(x), ROWS)
        )
        between = total / len(x) / len(self._y)
        return 2.0 * between - _means_within(x, self._functions) - self._within


def squared_mmd(x: np.ndarray, y: np.ndarray, bandwidth: float) -> float:
    """Return the unbiased squared maximum mean discrepancy between samples ``(n, d)``, ``(m, d)``.

    Gretton, Borgwardt, Rasch, Schoelkopf and Smola (2012, JMLR 13, lemma 6), with a Gaussian
    kernel whose bandwidth is usually the `median_distance` of the data.
    """
    return -float(Discrepancies(y, [gaussian_kernel(bandwidth)])(x)[0])


def mean_log_p(samples: np.ndarray, density: Density) -> float:
    """Return the mean of log p over samples ``(n, d)``; -inf if p vanishes at one."""
    require("a mean of log p", len(samples))
    return float(density.log_prob(samples).mean())


def _squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    distances = Distances(y, products_from=WIDE, centred=False, order="both", fast=True)
    squared = distances.to(x)
    return np.maximum(squared, 0.0, out=squared)


def _sums(squared: np.ndarray, functions: Sequence[PairFunction]) -> np.ndarray:
    return np.array([function(squared).sum(dtype=float) for function in functions])


def _means_within(x: np.ndarray, functions: Sequence[PairFunction]) -> np.ndarray:
    """Return the mean of each function over all pairs of two different points of x."""
    n, total = len(x), np.zeros(len(functions))
    if n < 2:
        return np.full(len(functions), np.nan)
    for start in range(0, n, ROWS):  # pairs with points before these have been counted, twice
        rows, after = x[start : start + ROWS], x[start + ROWS :]
        total += _sums(_squared_distances(rows, rows), functions)
        if len(after):
            total += 2.0 * _sums(_squared_distances(rows, after), functions)
    return (total - n * _sums(np.zeros(1), functions)) / n / (n - 1)
