"""What jobs may need on a cluster, from the sizes in the configuration.

A scheduler ends a job that takes more than it asked for, and keeps one waiting that asks for too
much: these are generous upper bounds, in MB and minutes. A local run does not look at them.
"""

from math import ceil

import numpy as np

from autoscore.models.registry import MODELS
from autoscore.numerics.grids import noise_levels
from autoscore.samplers.registry import SAMPLERS

BASE = 1500  # MB of an interpreter with PyTorch, its libraries and a density's samples
START = 10  # minutes that any job may take, on a busy node and a slow file system
RATE = 5e9  # multiplications and additions a second of a slow core on small matrices
MOVES = 5e4  # moves of a chain a second there, each on a learned field
COPIES = 8  # of weights and activations: gradients, Adam's moments, what autograd keeps
GROUPS = 10  # into which held-out points are split, to be looked at one by one
LOOKS = 4  # copies of a group's activations, of which autograd keeps nothing
STORED = 4  # of data: what was read, what is standardised, noise and sums of both
DOUBLE, SINGLE = 8, 4  # bytes of a number
STREAM = 1100  # bytes of a chain's own generator of random numbers
PLANE = 1200  # bytes a grid point of an exact solution in two dimensions, its multigrid included


def training(settings: dict, objective: str, source: str, dim: int, members: int) -> dict[str, int]:
    """Return ``mem_mb`` and ``runtime`` of one training, or of a shard of it.

    Parameters
    ----------
    settings
        What the training is told: a model's or a variant's, completed, with the number of
        ``validation`` points of the density.
    objective, source
        ``"dae"``, ``"rcae"`` or ``"ssm"``; ``"samples"`` or ``"exact"``.
    dim
        Dimension of the density.
    members
        How many auto-encoders are trained side by side.
    """
    model = MODELS[settings["kind"]]
    schedule = settings["schedules"][model.schedules[source]]
    points = settings["nodes"] if source == "exact" else schedule["batch"]
    # the network is differentiated along d directions for the contractive loss, along one for "ssm"
    directions = {"dae": 1, "rcae": 1 + dim, "ssm": 3}[objective]
    points *= directions
    shapes = model.layers(settings, dim)
    weights = sum(rows * columns for rows, columns in shapes)
    units = sum(columns for _, columns in shapes)
    steps = schedule["steps"] + schedule["polish"]
    held_out = 2 * settings["validation"]  # each point under e and -e
    group = LOOKS * held_out / GROUPS * directions * units
    stack = members * (COPIES * (weights + points * units) + group)
    shown = settings["seeds"] * _most_points(settings) + members * held_out
    memory = (DOUBLE if source == "exact" else SINGLE) * stack + STORED * DOUBLE * shown * dim
    return _bounds(6.0 * members * weights * points * steps / RATE, memory)


def _most_points(settings: dict) -> int:
    """Return the largest number of training points that is named."""
    return max((size for size in settings["sizes"] if isinstance(size, int)), default=0)


def gpus(device: str) -> int:
    """Return how many GPUs a job asks for that computes there: ``auto`` takes what it finds."""
    return 1 if device == "cuda" else 0


def measuring(train: dict, dim: int, plane_points: int = 0) -> dict[str, int]:
    """Return ``mem_mb`` of a job that reads all points of a density, and solves on a plane.

    Parameters
    ----------
    train
        The ``train`` section of the density, completed.
    dim
        Its dimension.
    plane_points
        Grid points on each axis where it is solved in two dimensions.
    """
    everything = [train, *train["variants"].values()]
    points = max(settings["seeds"] * _most_points(settings) for settings in everything)
    points += train["validation"]
    memory = STORED * DOUBLE * points * dim + PLANE * plane_points**2
    return {"mem_mb": _memory(memory)}


def sampling(plans: dict[str, dict], dim: int) -> dict[str, int]:
    """Return ``mem_mb`` and ``runtime`` of all chains of a density.

    Parameters
    ----------
    plans
        Its plans by name, completed.
    dim
        Its dimension.
    """
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
        if SAMPLERS[sampler].descends:  # each draw has a way down of its own
            total += plan["draws"] * plan["levels"] * plan["steps_a_level"]
            continue
        steps = plan["steps"].get(sampler, 0) if isinstance(plan["steps"], dict) else plan["steps"]
        total += max(1, np.size(steps)) * (plan["burn_in"] + plan["draws"] * plan["thin"])
    return total


def _bounds(seconds: float, memory: float) -> dict[str, int]:
    return {"mem_mb": _memory(memory), "runtime": START + ceil(seconds / 60)}


def _memory(taken: float) -> int:
    return BASE + ceil(taken / 2**20)
