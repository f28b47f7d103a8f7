"""Which kernels count at which points, and how much: blocks of what sums over kernels need.

In few dimensions most kernels of a narrow estimate are nothing at most points. Points are sorted
along their longest side: those that count at some neighbouring x are a stretch of them.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from autoscore.numerics.exponentials import exp_in_place

CHUNK = 500_000  # kernel evaluations at once: 4 MB of doubles, which a cache can hold
FEWEST = 16  # x at once, so that a block's own cost is little beside that of its pairs
LARGEST = 4_000_000  # evaluations at once even so: 32 MB
PRODUCTS = 10  # dimensions up to which d^2 products a point are held at once
LOST = np.log(2.0) * 60  # kernels below exp(-LOST) of the largest, all together, are left out
MOST = 0.6  # of the points' length: a longer stretch of it may as well be all of it
WIDE = 15.0  # bandwidths from the middle within which no kernel underflows
EVEN = 300.0  # range of log weights within which exponentials of their differences are finite


class Points:
    """Points ``(m, d)`` and products of their coordinates, each computed when it is needed."""

    def __init__(self, x: np.ndarray) -> None:
        self.x = x

    @cached_property
    def first(self) -> np.ndarray:
        """The coordinates of the points, and then ones, ``(d + 1, m)``."""
        return np.concatenate([self.x.T, np.ones((1, len(self.x)))])

    @cached_property
    def second(self) -> np.ndarray:
        """The products of all pairs of coordinates, and then the same, ``(d^2 + d + 1, m)``."""
        products = self.x.T[:, None] * self.x.T
        return np.concatenate([products.reshape(-1, len(self.x)), self.first])


class Block(NamedTuple):
    """Kernels that count at some x, relative to a large one of them."""

    rows: np.ndarray | slice  # which x
    x: np.ndarray  # (n, d), from a place among them
    points: Points  # (m, d), from the same place
    shares: np.ndarray  # (n, m), of p up to a factor
    log_factor: np.ndarray  # (n,)

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean of the points at each x, ``(n, d)``, and the sum of shares, ``(n,)``."""
        # in this order the product of a flat and a narrow matrix is faster
        sums = self.points.first @ self.shares.T
        return (sums[:-1] / sums[-1]).T, sums[-1]

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean, and that of the products of coordinates, ``(n, d, d)``."""
        dim = self.x.shape[1]
        if dim <= PRODUCTS:  # else the products of all points would not fit into a cache
            sums = self.points.second @ self.shares.T
            means = (sums[:-1] / sums[-1]).T
            return means[:, dim * dim :], means[:, : dim * dim].reshape(-1, dim, dim)
        (mean, total), points = self.means(), self.points.x
        second = np.stack([(one[:, None] * points).T @ points for one in self.shares])
        return mean, second / total[:, None, None]


class AllKernels:
    """All kernels at every x, by a matrix product about the mean of the points."""

    def __init__(self, points: np.ndarray, log_weights: np.ndarray, bandwidth: float) -> None:
        self._centre, self._precision = points.mean(0), bandwidth**-2
        centred = points - self._centre
        constant = log_weights - 0.5 * self._precision * (centred**2).sum(1)
        factors = [self._precision * centred.T, constant[None], np.ones((1, len(points)))]
        self._points, self._factors = Points(centred), np.concatenate(factors)
        self._farthest = np.abs(centred).max()
        self._widest = WIDE * bandwidth / points.shape[1] ** 0.5
        self._even = np.ptp(log_weights) < EVEN

    def blocks(self, x: np.ndarray) -> Iterator[Block]:
        """Yield blocks that together hold every x ``(n, d)``."""
        for start in range(0, len(x), size := _rows(len(self._points.x))):
            rows = slice(start, start + size)
            at = x[rows] - self._centre
            norms = -0.5 * self._precision * (at**2).sum(1)
            shares = np.column_stack([at, np.ones(len(at)), norms]) @ self._factors
            if self._even and max(np.abs(at).max(), self._farthest) < self._widest:
                exp_in_place(shares, underflows=False)
                yield Block(rows, at, self._points, shares, np.zeros(len(at)))
            else:
                yield Block(rows, at, self._points, *_from_highest(shares))


class NearKernels:
    """The kernels that count, in few dimensions: all the others together are less than rounding."""

    def __init__(self, points: np.ndarray, log_weights: np.ndarray, bandwidth: float) -> None:
        self._axis = int(np.ptp(points, axis=0).argmax())
        order = np.argsort(points[:, self._axis], kind="stable")
        self._points, self._log_weights = points[order], log_weights[order]
        self._places = self._points[:, self._axis].copy()
        self._bandwidth, self._range = bandwidth, float(np.ptp(log_weights))
        self._all = AllKernels(points, log_weights, bandwidth)

    @cached_property
    def _find_nearest(self) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """The function that returns the distance to the nearest point, and its index."""
        from scipy.spatial import cKDTree  # half a second, which planning a run spares

        return cKDTree(self._points).query

    def blocks(self, x: np.ndarray) -> Iterator[Block]:
        """Yield blocks that together hold every x ``(n, d)``."""
        long = MOST * (self._places[-1] - self._places[0])
        if 2.0 * self._reach(np.zeros(1), self._log_weights.max()) > long:
            yield from self._all.blocks(x)
            return
        distance, index = self._find_nearest(x)
        there = self._log_weights[index]
        nearest = there - 0.5 * (distance / self._bandwidth) ** 2
        reach = self._reach(distance, there)
        if 2.0 * np.median(reach) > long:
            yield from self._all.blocks(x)
            return
        places = x[:, self._axis]
        order = np.argsort(places, kind="stable")
        for start in range(0, len(x), size := _rows(len(self._points))):
            rows = order[start : start + size]
            ends = (places[rows] - reach[rows]).min(), (places[rows] + reach[rows]).max()
            among = slice(*np.searchsorted(self._places, ends))
            yield self._block(x, rows, among, nearest[rows])

    def _reach(self, distance: np.ndarray, log_weight: np.ndarray) -> np.ndarray:
        """Return how far others count where the nearest kernel has that distance and weight."""
        lost = LOST + np.log(len(self._points)) + self._log_weights.max() - log_weight
        # a little more, so that rounding leaves out none that counts
        return np.sqrt(distance**2 + 2.0 * self._bandwidth**2 * lost) * (1.0 + 1e-9)

    def _block(self, x: np.ndarray, rows: np.ndarray, among: slice, nearest: np.ndarray) -> Block:
        centre = x[rows].mean(0)
        at, points = x[rows] - centre, self._points[among] - centre
        shares = _squares(at, points)
        shares *= -0.5 * self._bandwidth**-2
        if self._range:
            shares += self._log_weights[among]
        else:
            shares += self._log_weights[0]
        if self._range > EVEN:
            return Block(rows, at, Points(points), *_from_highest(shares))
        shares -= nearest[:, None]
        exp_in_place(shares)
        return Block(rows, at, Points(points), shares, nearest)


def _rows(points: int) -> int:
    """Return how many x go into a block."""
    return max(1, CHUNK // points, min(FEWEST, LARGEST // points))


def _from_highest(log_shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shares, relative to the largest of each row, and its logarithm."""
    highest = log_shares.max(1)
    log_shares -= highest[:, None]
    exp_in_place(log_shares)
    return log_shares, highest


def _squares(x: np.ndarray, points: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import cdist

    if x.shape[1] == 1:
        squares = x - points[:, 0]
        squares *= squares
        return squares
    return cdist(x, points, "sqeuclidean")
