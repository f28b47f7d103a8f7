"""Squared Euclidean distances from many points to a fixed set of points."""

from collections.abc import Iterator
from typing import Literal

import numpy as np


class Distances:
    """Squared distances to points ``(m, d)``, prepared once for any number of x.

    In fewer than `products_from` dimensions they come from differences, otherwise from a matrix
    product, |x|^2 - 2 x.y + |y|^2, which is much faster but rounds. `centred` takes it about the
    mean of the points, where small norms leave small rounding errors. `order` says which norms are
    added first, and `fast` sums the norms by einsum: both only matter for the last bits, which are
    those of earlier results.
    """

    def __init__(
        self,
        points: np.ndarray,
        *,
        products_from: int = 1,
        centred: bool = True,
        order: Literal["points, x", "x, points", "both"] = "points, x",
        fast: bool = False,
    ) -> None:
        self.points = points
        self.centre = points.mean(0) if centred else np.zeros_like(points[0])
        self.centred = points - self.centre
        self._by_product = points.shape[1] >= products_from
        self._order, self._fast = order, fast
        if self._by_product:
            self._factors, self._norms = -2.0 * self.centred.T, self._norms_of(self.centred)

    def _norms_of(self, x: np.ndarray) -> np.ndarray:
        return np.einsum("nd,nd->n", x, x) if self._fast else (x**2).sum(1)

    def to(self, x: np.ndarray) -> np.ndarray:
        """Return the squared distances from x ``(n, d)``, shape ``(n, m)``; rounding may be < 0."""
        offset = x - self.centre
        if not self._by_product and x.shape[1] == 1:
            squares = np.subtract(offset, self.centred[:, 0], dtype=float)  # as cdist does
            squares *= squares
            return squares
        if not self._by_product:
            from scipy.spatial.distance import cdist  # half a second, which planning a run spares

            return cdist(offset, self.centred, "sqeuclidean")
        squares, norms = offset @ self._factors, self._norms_of(offset)[:, None]
        match self._order:
            case "points, x":
                squares += self._norms
                squares += norms
            case "x, points":
                squares += norms
                squares += self._norms
            case "both":
                squares += norms + self._norms
        return squares

    def chunks(self, x: np.ndarray, most: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of x with their squared distances, at most `most` numbers at once."""
        size = max(1, most // len(self.points))
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            yield rows, self.to(x[rows])
