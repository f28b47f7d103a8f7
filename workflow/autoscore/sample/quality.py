"""How good the draws of a run are, beside independent draws of the same number."""

from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from autoscore.densities.base import Density
from autoscore.numerics.streams import Streams
from autoscore.sample.distances import (
    Cells,
    Discrepancies,
    gaussian_kernel,
    histogram_kl,
    mean_log_p,
    median_distance,
)

CELLS = {1: 200, 2: 60}  # along each side, in which draws are counted
FLOOR_DRAWS, FLOORS = 10_000, 2  # independent draws beside each run; most repeats of its number
REFERENCE = 2000  # draws of the density to which others are compared, for coverage by as many
PAIRED = 1000  # draws whose distances to these and to one another are averaged
NEIGHBOURS = 5  # the distance to this neighbour is a reference point's reach


def cells_of(density: Density) -> Cells | None:
    """Return the cells in which draws are counted, over the density's box; None for d > 2."""
    if density.dim not in CELLS:
        return None
    count = CELLS[density.dim] + 1
    return Cells.of(density, [np.linspace(*side, count) for side in density.support])


class DrawQuality:
    """Scores draws against one density with a log p, and independent draws beside them.

    On a degenerate curve the density is that of the noisy data. `cells` are those of `cells_of`.
    All random numbers come from the named `streams`: with streams of its own, each seed of a run
    has its own reference and its own independent draws.
    """

    def __init__(self, density: Density, cells: Cells | None, streams: Streams) -> None:
        self._density, self._cells, self._streams = density, cells, streams
        self._reference = density.sample(REFERENCE, streams("reference"))

    @cached_property
    def _discrepancies(self) -> Discrepancies:
        kernel = gaussian_kernel(median_distance(self._reference))
        return Discrepancies(self._reference, [kernel, np.sqrt])

    @cached_property
    def _coverage(self) -> "Coverage":
        return Coverage(self._reference)

    def row(self, draws: np.ndarray, name: str) -> dict[str, float]:
        """Return distances of draws ``(n, d)``, floors, and how much worse the draws are.

        `name` is that of the draws: no others have the same floors.
        """
        n = len(draws)
        between_kernels, between_distances = self._discrepancies(thinned(draws, PAIRED))
        found = self.counted(draws) | self.floor(n, name)
        found |= {"mmd2": -between_kernels, "energy_distance": between_distances}
        found["log_p_short"] = found["mean_log_p_floor"] - found["mean_log_p"]
        if self._cells is not None:
            found["kl_excess"] = found["kl"] - found["kl_floor"]
            found["kl_corrected"] = histogram_kl(draws, self._cells, corrected=True)
        return found

    def counted(self, draws: np.ndarray) -> dict[str, float]:
        """Return what depends on the number of draws ``(n, d)``, or needs as many to compare."""
        found = {
            "mean_log_p": mean_log_p(draws, self._density),
            "coverage": self._coverage(thinned(draws, REFERENCE)),
        }
        if self._cells is not None:
            found["kl"] = histogram_kl(draws, self._cells)
        return found

    def floor(self, n: int, name: str) -> dict[str, float]:
        """Return the same for n independent draws: means over repeats, fewer for large n."""
        repeats = int(np.clip(FLOOR_DRAWS // n, 1, FLOORS))
        draws = self._density.sample(repeats * n, self._streams("independent", name))
        rows = [self.counted(part) for part in np.split(draws, repeats)]
        return {f"{key}_floor": float(np.mean([row[key] for row in rows])) for key in rows[0]}


def thinned(draws: np.ndarray, most: int) -> np.ndarray:
    """Return at most that many of the draws, evenly spaced."""
    return draws[np.linspace(0, len(draws) - 1, min(most, len(draws))).astype(int)]


class Coverage:
    """The share of reference points ``(m, d)`` with a draw, of ``(n, d)``, within reach.

    A point's reach is the distance to its fifth neighbour among the others. Independent draws of
    the same number cover 1 - 2^-5 (Naeem, Oh, Uh, Choi and Yoo 2020, "Reliable fidelity and
    diversity metrics for generative models"). In more than two dimensions it is the least over
    pairs of neighbouring coordinates: a missing arc of a curve is missed in some.
    """

    def __init__(self, reference: np.ndarray) -> None:
        dim = reference.shape[1]
        pairs = [[0]] if dim == 1 else [[k, k + 1] for k in range(dim - 1)]
        self._seen = [(pair, reference[:, pair], _reach(reference[:, pair])) for pair in pairs]

    def __call__(self, draws: np.ndarray) -> float:
        return min(
            float((cKDTree(draws[:, pair]).query(points)[0] <= reach).mean())
            for pair, points, reach in self._seen
        )


def _reach(points: np.ndarray) -> np.ndarray:
    return cKDTree(points).query(points, NEIGHBOURS + 1)[0][:, -1]
