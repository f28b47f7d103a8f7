"""A training in shards: some of its auto-encoders each, trained apart and put together again.

No member depends on what is trained beside it, so the result is the same, bit for bit, however the
training is divided. A shard has two members at least: a product of a single pair of matrices is
computed, and rounded, differently from a batched one.
"""

from math import ceil

import numpy as np
import pandas as pd

from autoscore.models.registry import MODELS
from autoscore.numerics.grids import noise_levels

FEWEST = 2


def shape(settings: dict, source: str) -> tuple[int, int, int]:
    """Return for how many sizes, noise levels and seeds a training has auto-encoders.

    `settings` are a model's, completed, and `source` is ``"samples"`` or ``"exact"``.
    """
    separate = MODELS[settings["kind"]].separate
    levels = len(noise_levels(settings["sigmas"])) if separate else 1
    sizes = 1
    if source == "samples":
        sizes = len([size for size in settings["sizes"] if size != "exact"])
    return sizes, levels, settings["seeds"]


def divide(settings: dict, source: str, most: int | None) -> list[list[int]]:
    """Return the members of each shard, by their places in the whole.

    With ``warm_start`` weights go from level to level, and all levels of a seed stay together. A
    shard has up to `most` members (None: no limit), or as many as have to stay together, and one
    more rather than leaving one alone.
    """
    sizes, levels, seeds = shape(settings, source)
    places = np.arange(sizes * levels * seeds).reshape(sizes, levels, seeds)
    warm = bool(settings.get("warm_start")) and source == "samples" and levels > 1
    units = places.swapaxes(1, 2).reshape(-1, levels) if warm else places.reshape(-1, 1)
    count = 1 if most is None else ceil(len(units) / max(1, most // units.shape[1]))
    count = max(1, min(count, len(units) // FEWEST))
    return [sorted(shard.ravel().tolist()) for shard in np.array_split(units, count)]


def join_tables(tables: list[pd.DataFrame], shards: list[list[int]]) -> pd.DataFrame:
    """Return the rows of all shards' tables, step by step with the members in their order.

    Each table has one row per step and member, step by step; `shards` are those of `divide`.
    """
    total = sum(map(len, shards))
    places = []
    for table, shard in zip(tables, shards, strict=True):
        steps = np.arange(len(table) // len(shard))
        places.append((total * steps[:, None] + np.array(shard)).ravel())
    order = np.argsort(np.concatenate(places))
    return pd.concat(tables, ignore_index=True).iloc[order]
