"""How good samples are: mixing of the chains, and distances to the density they should follow.

Every distance has a floor, which is what independent draws of the same number score under the
same function.
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

ROWS = 400  # points whose distances to all others are taken at once
WIDE = 64  # dimensions from which distances are had much faster from a matrix product


# --- mixing -------------------------------------------------------------------


def rhat(draws: np.ndarray) -> np.ndarray:
    """Return the rank-normalised split R-hat of each coordinate, shape ``(d,)``.

    Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021, Bayesian Analysis 16), from
    arviz-stats. It is infinite, or of the order of 1 / rounding, where no chain ever moves.

    Parameters
    ----------
    draws
        Shape ``(chains, draws, d)``, at least 4 draws a chain.
    """
    from arviz_stats.base import array_stats  # it takes seconds

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(array_stats.rhat(draws, chain_axis=0, draw_axis=1))


def effective_sample_size(draws: np.ndarray) -> np.ndarray:
    """Return the bulk effective sample size of each coordinate over all chains, shape ``(d,)``.

    Of the same source as `rhat`. Where no chain ever moves, which it takes for the best of
    mixing, it is the number of chains.

    Parameters
    ----------
    draws
        Shape ``(chains, draws, d)``, at least 4 draws a chain.
    """
    from arviz_stats.base import array_stats

    still = (draws == draws[:, :1]).all((0, 1))
    return np.where(still, len(draws), array_stats.ess(draws, chain_axis=0, draw_axis=1))


# --- Kullback-Leibler divergence ----------------------------------------------


@dataclass(frozen=True)
class Cells:
    """A fixed grid of cells, and how much of a density each holds.

    Attributes
    ----------
    edges : tuple of numpy.ndarray
        Edges of the cells along each coordinate, increasing.
    log_probabilities : numpy.ndarray
        log of each cell's probability, in the order of ``numpy.ravel``, and at the end that of
        all space outside the grid, which is at least the rounding error 2^-52.
    """

    edges: tuple[np.ndarray, ...]
    log_probabilities: np.ndarray

    @classmethod
    def of(cls, density: Density, edges: Sequence[np.ndarray], order: int = 4) -> "Cells":
        """Return the cells of a density, by Gauss-Legendre quadrature in each.

        Parameters
        ----------
        density
            The density, with ``log_prob``.
        edges
            Edges along each coordinate.
        order
            Nodes along each side of a cell.
        """
        sides = [gauss_legendre(e[:-1], e[1:], panels=1, order=order) for e in edges]
        shape = [len(e) - 1 for e in edges]
        nodes = np.stack(np.meshgrid(*(n.ravel() for n, _ in sides), indexing="ij"), axis=-1)
        log_p = density.log_prob(nodes.reshape(-1, len(shape)))
        log_weight = reduce(np.add.outer, (np.log(w).ravel() for _, w in sides))
        parts = (log_p.reshape(log_weight.shape) + log_weight).reshape(
            [size for cells in shape for size in (cells, order)]
        )
        inside = logsumexp(parts, axis=tuple(range(1, 2 * len(shape), 2))).ravel()
        outside = max(1.0 - np.exp(logsumexp(inside)), np.finfo(float).eps)
        return cls(tuple(edges), np.append(inside, np.log(outside)))

    def counts(self, samples: np.ndarray) -> np.ndarray:
        """Return how many samples, shape ``(n, d)``, lie in each cell and, last, outside."""
        inside = np.histogramdd(samples, bins=self.edges)[0].ravel().astype(int)
        return np.append(inside, len(samples) - inside.sum())


def histogram_kl(samples: np.ndarray, cells: Cells, *, corrected: bool = False) -> float:
    """Return KL(q || p) over cells, in nats, q the distribution of the samples.

    The relative frequencies themselves ("plug-in") give on average about (occupied cells - 1) /
    (2n) too much. Corrected, the entropy of q is estimated as by Grassberger (2003, "Entropy
    estimates from insufficient samplings", arXiv:physics/0307138), which for independent draws
    leaves next to no bias: the floor is then about 0, and values may be negative.

    Parameters
    ----------
    samples
        Shape ``(n, d)``; they count as independent.
    cells
        The grid and p.
    corrected
        Whether to take the bias out.

    Raises
    ------
    ValueError
        If there are no samples.
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
    """Return the median distance between points of x, shape ``(n, d)``, of the first `most`.

    Raises
    ------
    ValueError
        If there are fewer than two points.
    """
    require("a distance between points", len(x), 2)
    return float(np.median(pdist(x[:most])))


PairFunction = Callable[[np.ndarray], np.ndarray]  # of squared distances, which it leaves alone


def gaussian_kernel(bandwidth: float) -> PairFunction:
    """Return the kernel exp(-|x - y|^2 / (2 bandwidth^2)) as a function of squared distances.

    Raises
    ------
    ValueError
        If the bandwidth is not positive.
    """
    if not bandwidth > 0:
        raise ValueError(f"the bandwidth must be > 0, not {bandwidth}")

    def kernel(squared: np.ndarray) -> np.ndarray:
        scaled = squared * (-0.5 / bandwidth**2)
        return np.exp(scaled, out=scaled)

    return kernel


class Discrepancies:
    """2 E f(x, y) - E f(x, x') - E f(y, y') between samples x and one sample y, for functions f.

    All are unbiased: 0 in expectation for samples of one density. With the distance it is the
    energy distance; with a kernel, minus the squared maximum mean discrepancy. They are NaN where
    one of the samples is a single point, which has no pair.

    Parameters
    ----------
    y
        Sample of shape ``(m, d)``. Its own pairs are looked at once, whatever it is held against.
    functions
        f of squared distances; these are taken once for all.

    Raises
    ------
    ValueError
        If a sample is empty.
    """

    def __init__(self, y: np.ndarray, functions: Sequence[PairFunction]) -> None:
        require("a discrepancy", len(y))
        self._y, self._functions = y, functions
        self._within = _means_within(y, functions)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return a number a function for x, shape ``(n, d)``; the time grows with n (n + m)."""
        require("a discrepancy", len(x))
        total = sum(
            _sums(_squared_distances(x[start : start + ROWS], self._y), self._functions)
            for start in range(0, len(x), ROWS)
        )
        between = total / len(x) / len(self._y)
        return 2.0 * between - _means_within(x, self._functions) - self._within


def squared_mmd(x: np.ndarray, y: np.ndarray, bandwidth: float) -> float:
    """Return the unbiased squared maximum mean discrepancy between two samples.

    Gretton, Borgwardt, Rasch, Schoelkopf and Smola (2012, JMLR 13, lemma 6), with the kernel
    exp(-|x - y|^2 / (2 bandwidth^2)). Unbiased: about 0 for samples of one density, and as often
    negative as positive.

    Parameters
    ----------
    x, y
        Samples of shapes ``(n, d)`` and ``(m, d)``; the time grows with (n + m)^2.
    bandwidth
        Usually `median_distance` of the data.
    """
    return -float(Discrepancies(y, [gaussian_kernel(bandwidth)])(x)[0])


def energy_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Return the unbiased energy distance 2 E|x - y| - E|x - x'| - E|y - y'|.

    Szekely and Rizzo (2013, J. Stat. Plan. Inference 143). It is 0 in expectation for samples of
    one density, and needs no bandwidth.

    Parameters
    ----------
    x, y
        Samples of shapes ``(n, d)`` and ``(m, d)``; the time grows with (n + m)^2.
    """
    return float(Discrepancies(y, [np.sqrt])(x)[0])


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


# --- density ------------------------------------------------------------------


def mean_log_p(samples: np.ndarray, density: Density) -> float:
    """Return the mean of log p over samples of shape ``(n, d)``; -inf if one is where p is 0.

    Raises
    ------
    ValueError
        If there are no samples.
    """
    require("a mean of log p", len(samples))
    return float(density.log_prob(samples).mean())
