"""Mistakes that several sections can have: noise grids, and names whose files would collide."""

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from autoscore.wording import shown

# what follows a density's name in the names of its tables, and a model's in those of the images
OF_DENSITIES = (
    "arms",
    "attractors",
    "choices",
    "differences",
    "factors",
    "far_starts",
    "fixed_points",
    "held_out",
    "losses",
    "metropolis",
    "order",
    "profiles",
)
OF_IMAGES = ("symmetry",)
OF_ALL_DENSITIES = (
    "errors",
    "factors",
    "order",
    "choices",
    "held_out",
    "diagnostics",
    "samplers",
)  # tables


def refused(key: str, value: Any, allowed: str) -> str:
    """Return the message about a value that is not allowed."""
    return f"{key} is {shown(value)}; allowed: {allowed}"


def grid_mistakes(key: str, grid: dict | list, fewest: int = 1) -> Iterator[str]:
    """Yield whether a grid of noise levels does not rise, or has too few of them."""
    if isinstance(grid, dict) and not grid["low"] < grid["high"]:
        yield refused(key, grid, "low < high")
    elif isinstance(grid, list) and (np.diff(grid) <= 0).any():
        yield refused(key, grid, "noise levels in increasing order, none twice")
    elif isinstance(grid, list) and len(grid) < fewest:
        yield refused(key, grid, f"{fewest} noise levels or more")


def name_mistakes(key: str, names: Collection[str], suffixes: Collection[str]) -> Iterator[str]:
    """Yield names that equal another with the suffix of one of its tables."""
    for name in names:
        for suffix in suffixes:
            if f"{name}_{suffix}" in names:
                yield (
                    f"{key}.{name}_{suffix} is given beside {name}, one of whose tables "
                    "has this name; allowed: another name"
                )
