"""Which kernels count at which points, and how much: blocks of what sums over kernels need.

In few dimensions most kernels of a narrow estimate are nothing at most points. Points are sorted
along their longest side: those that count at some neighbouring x are a stretch of them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from autoscore.numerics.exponentials import exp_in_place

CHUNK = 500_000  # kernel evaluations at once: 4 MB of doubles, which a cache can hold
LOST = np.log(2.0) * 60  # kernels below exp(-LOST) of the largest, all together, are left out
MOST = 0.6  # of the points' length: a longer stretch of it may as well be all of it
WIDE = 15.0  # bandwidths from the middle within which no kernel underflows
EVEN = 300.0  # range of log weights within which exponentials of their differences are finite


class Block(NamedTuple):
    """Kernels that count at some x, relative to a large one of them."""

    rows: np.ndarray | slice  # which x
    x: np.ndarray  # (n, d), from a place among them
    points: np.ndarray  # (m, d), from the same place
    shares: np.ndarray  # (n, m), of p up to a factor
    log_factor: np.ndarray  # (n,)

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean of the points at each x, ``(n, d)``, and the sum of shares, ``(n,)``."""
        columns = np.concatenate([self.points.T, np.ones((1, len(self.points)))])
        sums = columns @ self.shares.T
        return (sums[:-1] / sums[-1]).T, sums[-1]


class AllKernels:
    """All kernels at every x, by a matrix product about the mean of the points."""

    def __init__(self, points: np.ndarray, log_weights: np.ndarray, bandwidth: float) -> None:
        self._centre, self._precision = points.mean(0), bandwidth**-2
        self._points, self._wide = points - self._centre, WIDE * bandwidth
        constant = log_weights - 0.5 * self._precision * (self._points**2).sum(1)
        factors = [self._precision * self._points.T, constant[None], np.ones((1, len(points)))]
        self._factors = np.concatenate(factors)
        self._even = np.ptp(log_weights) < EVEN

    def blocks(self, x: np.ndarray) -> Iterator[Block]:
        """Yield blocks that together hold every x ``(n, d)``."""
        size = max(1, CHUNK // len(self._points))
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            at = x[rows] - self._centre
            norms = -0.5 * self._precision * (at**2).sum(1)
            shares = np.column_stack([at, np.ones(len(at)), norms]) @ self._factors
            farthest = max(np.abs(at).max(), np.abs(self._points).max())
            if self._even and farthest * self._points.shape[1] ** 0.5 < self._wide:
                exp_in_place(shares, underflows=False)
                yield Block(rows, at, self._points, shares, np.zeros(len(at)))
            else:
                yield Block(rows, at, self._points, *_from_highest(shares))


class NearKernels:
    """The kernels that count, in few dimensions: all the others together are less than rounding."""

    def __init__(self, points: np.ndarray, log_weights: np.ndarray, bandwidth: float) -> None:
        from scipy.spatial import cKDTree  # half a second, which planning a run spares

        self._axis = int(np.ptp(points, axis=0).argmax())
        order = np.argsort(points[:, self._axis], kind="stable")
        self._points, self._log_weights = points[order], log_weights[order]
        self._places = self._points[:, self._axis].copy()
        self._tree, self._bandwidth = cKDTree(self._points), bandwidth
        self._range = float(np.ptp(log_weights))
        self._all = AllKernels(points, log_weights, bandwidth)

    def blocks(self, x: np.ndarray) -> Iterator[Block]:
        """Yield blocks that together hold every x ``(n, d)``."""
        nearest, reach = self._nearest(x)
        if 2.0 * np.median(reach) > MOST * np.ptp(self._places):
            yield from self._all.blocks(x)
            return
        places = x[:, self._axis]
        order = np.argsort(places, kind="stable")
        size = max(1, CHUNK // len(self._points))
        for start in range(0, len(x), size):
            rows = order[start : start + size]
            ends = (places[rows] - reach[rows]).min(), (places[rows] + reach[rows]).max()
            among = slice(*np.searchsorted(self._places, ends))
            yield self._block(x, rows, among, nearest[rows])

    def _nearest(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the logarithm of the nearest kernel at each x, and how far others count."""
        distance, index = self._tree.query(x)
        there, width = self._log_weights[index], 2.0 * self._bandwidth**2
        lost = LOST + np.log(len(self._points)) + self._log_weights.max() - there
        # a little more, so that rounding leaves out none that counts
        reach = np.sqrt(distance**2 + width * lost) * (1.0 + 1e-9)
        return there - distance**2 / width, reach

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
            return Block(rows, at, points, *_from_highest(shares))
        shares -= nearest[:, None]
        exp_in_place(shares)
        return Block(rows, at, points, shares, nearest)


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
