"""The samples that all stages share: drawn, or split from a user's file."""

from typing import cast

import numpy as np

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.registry import make_density
from autoscore.densities.samples import load_sample
from autoscore.numerics.streams import generator

MEASURED = 3000  # draws at which a known density is measured in more than one dimension


def training_points(n: int, held_out: float) -> int:
    """Return how many of n points are trained on: `held_out` of them go to each of two parts."""
    return n - 2 * round(held_out * n)


def draw_data(seed: int, name: str, entry: dict) -> dict[str, np.ndarray]:
    """Return the samples of one density, given its completed configuration.

    They are ``train`` of shape ``(seeds, n, d)``, or ``(1, n, d)`` where all seeds share a user's
    points, and ``validation`` and ``held_out`` of shape ``(m, d)``; for a user's file also what
    `autoscore.densities.samples.Units` stores. `seed` is that of the whole run.
    """
    settings = entry["train"]
    density = make_density(entry)
    if "points" in entry:
        nothing = np.empty((0, density.dim))
        points = cast(KernelDensity, density).points
        return {"train": points[None], "validation": nothing, "held_out": nothing}
    if "path" in entry:
        points = cast(KernelDensity, density).points
        points = generator(seed, "data", name, "split").permutation(points)
        kept = training_points(len(points), settings["held_out"])
        other = (len(points) - kept) // 2
        return {
            "train": points[None, :kept],
            "validation": points[kept : kept + other],
            "held_out": points[kept + other :],
        } | load_sample(entry).units.as_arrays()
    every = [settings, *settings.get("variants", {}).values()]
    most = max([n for one in every for n in one["sizes"] if n != "exact"], default=0)
    seeds = range(max(one["seeds"] for one in every))
    drawn = [density.sample(most, generator(seed, "data", name, "train", k)) for k in seeds]
    # in one dimension measurements are integrals, and need no points
    others = {"validation": settings["validation"], "held_out": MEASURED if density.dim > 1 else 0}
    return {"train": np.stack(drawn)} | {
        part: density.sample(n, generator(seed, "data", name, part)) for part, n in others.items()
    }


def target(entry: dict, data: dict[str, np.ndarray]) -> Density:
    """Return the density to learn: for a sample file, its training points."""
    if "path" in entry:
        return KernelDensity(data["train"][0])
    return make_density(entry)
