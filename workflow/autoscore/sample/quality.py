"""How good the draws of a run are, beside independent draws of the same number."""

from functools import cached_property, partial

import numpy as np
from scipy.spatial import cKDTree

from autoscore.densities.base import Density
from autoscore.densities.kernels import fit_bandwidth
from autoscore.numerics.streams import generator
from autoscore.sample.distances import (
    Cells,
    Discrepancies,
    gaussian_kernel,
    histogram_kl,
    mean_log_p,
    median_distance,
)

CELLS = {1: 200, 2: 60}  # along each side, in which draws are counted
FLOORS = 8  # repeats of independent draws
PAIRED = 2000  # draws whose distances to one another are computed
NEIGHBOURS = 5  # the distance to this neighbour is a reference point's reach
LIKELY = 200_000  # draws whose log p is averaged
UNBIASED = ("mmd2", "energy_distance", "kl_corrected")  # distances that are about 0 on average


class DrawQuality:
    """Scores draws against one density with a log p, and independent draws beside them.

    On a degenerate curve the density is that of the noisy data. `seed` and `name` name the random
    streams.
    """

    def __init__(self, density: Density, seed: int, name: str) -> None:
        self.density = density
        self._streams = partial(generator, seed, "sample", name, "floor")
        self._reference = density.sample(PAIRED, self._streams("reference"))
        kernel = gaussian_kernel(median_distance(self._reference))
        self._discrepancies = Discrepancies(self._reference, [kernel, np.sqrt])
        self._coverage = Coverage(self._reference)
        self._floors: dict[int, dict[str, float]] = {}
        self._kernel_estimates: dict[tuple[int, int, int], dict[str, float]] = {}

    @cached_property
    def cells(self) -> Cells:
        """The cells in which draws are counted, over the box of the density."""
        count = CELLS[self.density.dim] + 1
        return Cells.of(self.density, [np.linspace(*side, count) for side in self.density.support])

    def distances(self, draws: np.ndarray) -> dict[str, float]:
        """Return every distance of draws, shape ``(n, d)``, from the density."""
        few = thinned(draws, PAIRED)
        between_kernels, between_distances = self._discrepancies(few)
        found = {
            "mmd2": -between_kernels,
            "energy_distance": between_distances,
            "mean_log_p": mean_log_p(thinned(draws, LIKELY), self.density),
            "coverage": self._coverage(few),
        }
        if self.density.dim in CELLS:
            found["kl"] = histogram_kl(draws, self.cells)
            found["kl_corrected"] = histogram_kl(draws, self.cells, corrected=True)
        return found

    def floor(self, n: int) -> dict[str, float]:
        """Return the distances of n independent draws: means over repeats, RMS if unbiased."""
        if n not in self._floors:
            streams = [self._streams(n, repeat) for repeat in range(FLOORS)]
            repeats = [self.distances(self.density.sample(n, rng)) for rng in streams]
            rows = {key: np.array([row[key] for row in repeats]) for key in repeats[0]}
            self._floors[n] = {
                f"{key}_floor": float(np.sqrt((v**2).mean()) if key in UNBIASED else v.mean())
                for key, v in rows.items()
            }
        return self._floors[n]

    def kernel_estimate(
        self, points: np.ndarray, validation: np.ndarray, n: int, seed: int, level: float
    ) -> dict[str, float]:
        """Return the distances of n draws from the likeliest kernel density estimate of points.

        Where the density is that of noisy data, the noise of that level is added to the draws.
        """
        key = (len(points), n, seed)
        if key not in self._kernel_estimates:
            estimate = fit_bandwidth(points, validation).smoothed(level)
            draws = estimate.sample(n, self._streams("kde", n, seed))
            found = {"mean_log_p_kde": mean_log_p(thinned(draws, LIKELY), self.density)}
            if self.density.dim in CELLS:
                found["kl_kde"] = histogram_kl(draws, self.cells)
            self._kernel_estimates[key] = found
        return self._kernel_estimates[key]


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
