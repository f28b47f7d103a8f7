"""What jobs may need on a cluster, from the sizes in the configuration.

A scheduler ends a job that takes more than it asked for, and keeps one waiting that asks for too
much: these are generous upper bounds, in MB and minutes. A local run does not look at them.
"""

from itertools import pairwise
from math import ceil

import numpy as np

from autoscore.grids import noise_levels
from autoscore.sampling.names import DESCENTS

BASE = 1500  # MB of an interpreter with PyTorch, its libraries and a density's samples
START = 10  # minutes that any job may take, on a busy node and a slow file system
RATE = 5e9  # multiplications and additions a second of a slow core on small matrices
MOVES = 5e4  # moves of a chain a second there, each on a learned field
COPIES = 8  # of weights and activations: gradients, Adam's moments, what autograd keeps
NUMBER = 8  # bytes


def layers(settings: dict, dim: int) -> list[tuple[int, int]]:
    """Return the shapes of the weight matrices of one of them."""
    if settings["kind"] == "ensemble":
        widths = [dim, *settings["architecture"]["hidden"], dim]
        return list(pairwise(widths))
    network = settings["network"]
    width = network["width"]
    inner = [(width, width)] * (2 * network["blocks"])
    return [(dim + 2 * network["features"], width), *inner, (width, dim)]


def training(settings: dict, objective: str, source: str, dim: int, members: int) -> dict[str, int]:
    """Return ``mem_mb`` and ``runtime`` of one training, or of a block of it.

    Parameters
    ----------
    settings
        What the training is told: a model's or a variant's, completed.
    objective, source
        ``"dae"``, ``"rcae"`` or ``"ssm"``; ``"samples"`` or ``"exact"``.
    dim
        Dimension of the density.
    members
        How many auto-encoders are trained side by side.
    """
    name = source if settings["kind"] == "ensemble" else "conditioned"
    schedule = settings["schedules"][name]
    points = settings["nodes"] if source == "exact" else schedule["batch"]
    # the network is differentiated along d directions for the contractive loss, along one for "ssm"
    points *= {"dae": 1, "rcae": 1 + dim, "ssm": 3}[objective]
    shapes = layers(settings, dim)
    weights = sum(rows * columns for rows, columns in shapes)
    units = sum(columns for _, columns in shapes)
    steps = schedule["steps"] + schedule["polish"]
    numbers = members * (weights + points * units)
    return _bounds(6.0 * members * weights * points * steps / RATE, COPIES * NUMBER * numbers)


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
    most = max((plan["chains"] * plan["draws"] * dim for plan in plans.values()), default=0)
    return _bounds(moves / MOVES, COPIES * NUMBER * most)


def _runs(plan: dict) -> int:
    """Return on how many fields, and with how many seeds, each sampler of a plan runs."""
    models = max(1, len(plan["models"]))
    return len(plan["fields"]) * models * len(noise_levels(plan["sigmas"])) * plan["repeats"]


def _moves(plan: dict) -> int:
    """Return how often all samplers of a plan together move one chain."""
    total = 0
    for sampler in plan["samplers"]:
        if sampler in DESCENTS:  # each draw has a way down of its own
            total += plan["draws"] * plan["levels"] * plan["steps_a_level"]
            continue
        steps = plan["steps"].get(sampler, 0) if isinstance(plan["steps"], dict) else plan["steps"]
        total += max(1, np.size(steps)) * (plan["burn_in"] + plan["draws"] * plan["thin"])
    return total


def _bounds(seconds: float, memory: float) -> dict[str, int]:
    return {"mem_mb": BASE + ceil(memory / 2**20), "runtime": START + ceil(seconds / 60)}
