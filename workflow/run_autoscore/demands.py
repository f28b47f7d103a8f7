"""Memory, time and GPUs that jobs request on a cluster, from the sizes in the configuration.

A scheduler kills a job that exceeds its request, and lets one wait that requests too much: these
are generous upper bounds, ``mem_mb`` in MB and ``runtime`` in minutes. A local run ignores them.
"""

from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np

from autoscore.models.registry import MODELS
from autoscore.numerics.grids import noise_levels
from autoscore.samplers.registry import SAMPLERS

BASE = 1500  # MB of an interpreter with PyTorch, its libraries and a density's samples
START = 10  # minutes for any job on a busy node and a slow file system
RATE = 5e9  # multiplications and additions per second of a slow core on small matrices
MOVES = 5e4  # moves per second of a chain on a learned field, on such a core
COPIES = 8  # copies of weights and activations: gradients, Adam's moments, what autograd keeps
GROUPS = 10  # held-out points whose losses are computed at once, as in `autoscore.train.fit`
LOOKS = 4  # copies of a group's activations, of which autograd keeps nothing
STORED = 4  # copies of data: as read, standardised, noise, and sums of both
DOUBLE = 8  # bytes of a number
STREAM = 1100  # bytes of a chain's random number generator
PLANE = 1200  # bytes per grid point of an exact solution in two dimensions, with its multigrid


def training(settings: dict, objective: str, source: str, dim: int, members: int) -> dict[str, int]:
    """Return the demands of one training, or of a shard with so many members.

    `settings` are a model's, completed, with the number of ``validation`` points of the density.
    """
    cost = MODELS[settings["kind"]].cost(settings, objective, source, dim)
    points = cost.points * cost.directions
    held_out = 2 * settings["validation"]  # each point under e and -e
    group = LOOKS * held_out / GROUPS * cost.directions * cost.units
    stack = COPIES * (cost.weights + points * cost.units) + group
    stack *= 1 if cost.alone else members
    shown = settings["seeds"] * _most_points(settings) + members * held_out
    memory = cost.number * stack + STORED * DOUBLE * shown * dim
    return _bounds(6.0 * members * cost.weights * points * cost.steps / RATE, memory)


def _most_points(settings: dict) -> int:
    return max((size for size in settings["sizes"] if isinstance(size, int)), default=0)


def gpus(device: str) -> int:
    """Return how many GPUs a job requests: none for ``auto``, which takes what it finds."""
    return 1 if device == "cuda" else 0


def measuring(train: dict, dim: int, plane_points: int = 0) -> dict[str, int]:
    """Return the memory of a job that reads all points of a density.

    `train` is the density's, completed; if it is solved in two dimensions, each axis of the grid
    has `plane_points`.
    """
    everything = [train, *train["variants"].values()]
    points = max(settings["seeds"] * _most_points(settings) for settings in everything)
    points += train["validation"]
    memory = STORED * DOUBLE * points * dim + PLANE * plane_points**2
    return {"mem_mb": _memory(memory)}


def sampling(plans: dict[str, dict], dim: int) -> dict[str, int]:
    """Return the demands of all chains of a density, given its plans by name, completed."""
    moves = sum(plan["chains"] * _runs(plan) * _moves(plan) for plan in plans.values())
    each = (
        plan["chains"] * (STREAM + COPIES * DOUBLE * plan["draws"] * dim) for plan in plans.values()
    )
    return _bounds(moves / MOVES, max(each, default=0))


def _runs(plan: dict) -> int:
    """Return on how many fields, and with how many seeds, each sampler of a plan runs."""
    models = max(1, len(plan["models"]))
    return len(plan["fields"]) * models * len(noise_levels(plan["sigmas"])) * plan["repeats"]


def _moves(plan: dict) -> int:
    """Return how often all samplers of a plan together move one chain."""
    total = 0
    for sampler in plan["samplers"]:
        if SAMPLERS[sampler].descends:  # each draw descends the whole noise grid
            total += plan["draws"] * plan["levels"] * plan["steps_a_level"]
            continue
        steps = plan["steps"].get(sampler, 0) if isinstance(plan["steps"], dict) else plan["steps"]
        total += max(1, np.size(steps)) * (plan["burn_in"] + plan["draws"] * plan["thin"])
    return total


def _bounds(seconds: float, memory: float) -> dict[str, int]:
    return {"mem_mb": _memory(memory), "runtime": START + ceil(seconds / 60)}


def _memory(taken: float) -> int:
    return BASE + ceil(taken / 2**20)


def growing(least: Any) -> Callable[..., float]:
    """Return a resource that grows with each attempt, as a job that lacked it fails again.

    `least` is a number or a function of wildcards. Attempts follow only where retries are asked
    for, as on a cluster.
    """
    return lambda wildcards, attempt: attempt * (least(wildcards) if callable(least) else least)
