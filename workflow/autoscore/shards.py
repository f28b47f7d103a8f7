"""A training in shards: some of its auto-encoders each, trained apart and put together again.

No member depends on what is trained beside it, so that the whole is the same, bit for bit, however
it is divided. Two are the fewest: a matrix product of one pair is computed, and rounded, in another
way than one of many.
"""

from math import ceil

import numpy as np
import pandas as pd

from autoscore.models.registry import MODELS
from autoscore.numerics.grids import noise_levels

FEWEST = 2


def shape(settings: dict, source: str) -> tuple[int, int, int]:
    """Return how many sizes, noise levels and seeds a training has auto-encoders for.

    Parameters
    ----------
    settings
        What the training is told: a model's or a variant's, completed.
    source
        ``"samples"`` or ``"exact"``.
    """
    levels = MODELS[settings["kind"]].members(len(noise_levels(settings["sigmas"])))
    sizes = 1
    if source == "samples":
        sizes = len([size for size in settings["sizes"] if size != "exact"])
    return sizes, levels, settings["seeds"]


def divide(settings: dict, source: str, most: int | None) -> list[list[int]]:
    """Return the members of each shard, by their places in the whole.

    With ``warm_start`` weights go from level to level, and all levels of a seed stay together.

    Parameters
    ----------
    settings, source
        As for `shape`.
    most
        Largest number of members of a shard; one more if one would be left alone, or as many as
        have to stay together. None for no end.
    """
    sizes, levels, seeds = shape(settings, source)
    places = np.arange(sizes * levels * seeds).reshape(sizes, levels, seeds)
    warm = bool(settings.get("warm_start")) and source == "samples" and levels > 1
    units = places.swapaxes(1, 2).reshape(-1, levels) if warm else places.reshape(-1, 1)
    count = 1 if most is None else ceil(len(units) / max(1, most // units.shape[1]))
    count = max(1, min(count, len(units) // FEWEST))
    return [sorted(shard.ravel().tolist()) for shard in np.array_split(units, count)]


def join_tables(tables: list[pd.DataFrame], shards: list[list[int]]) -> pd.DataFrame:
    """Return one table whose rows are, step by step, those of all members in their order.

    Parameters
    ----------
    tables
        One a shard, each with a row a step and member, step by step.
    shards
        What `divide` returned.
    """
    total = sum(map(len, shards))
    places = []
    for table, shard in zip(tables, shards, strict=True):
        steps = np.arange(len(table) // len(shard))
        places.append((total * steps[:, None] + np.array(shard)).ravel())
    order = np.argsort(np.concatenate(places))
    return pd.concat(tables, ignore_index=True).iloc[order]
