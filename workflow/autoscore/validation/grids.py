"""Mistakes in noise grids."""

from collections.abc import Iterator

import numpy as np

from autoscore.wording import shown


def grid_mistakes(key: str, grid: dict | list, fewest: int = 1) -> Iterator[str]:
    """Yield whether a grid of noise levels does not rise, or has too few of them."""
    if isinstance(grid, dict) and not grid["low"] < grid["high"]:
        yield f"{key} is {shown(grid)}; allowed: low < high"
    elif isinstance(grid, list) and (np.diff(grid) <= 0).any():
        yield f"{key} is {shown(grid)}; allowed: noise levels in increasing order, none twice"
    elif isinstance(grid, list) and len(grid) < fewest:
        yield f"{key} is {shown(grid)}; allowed: {fewest} noise levels or more"
