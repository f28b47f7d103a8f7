"""Separate auto-encoders, one per noise level."""

from collections.abc import Mapping
from itertools import pairwise

from autoscore.models.declaration import IMAGE_SETTINGS, Cost, Model, cost_of_layers

POINTS = 10_000  # of a user's sample, whose number is not known here
COMMON = {"kind", "sigmas", "seeds", "device", "architecture"}


def _is_number(size: int | str) -> bool:
    return size not in ("exact", "all")


def _cost(settings: Mapping, objective: str, source: str, dim: int) -> Cost:
    layers = pairwise([dim, *settings["architecture"]["hidden"], dim])
    if source == "samples":
        schedule = settings["schedules"]["samples"]
        cost = cost_of_layers(layers, schedule, objective, dim)
        if settings["optimiser"] == "bfgs":  # keeps each step, which takes all points
            n = max(filter(_is_number, settings["sizes"]), default=POINTS)
            weights = (cost.weights + cost.steps) * cost.steps
            return cost._replace(weights=weights, points=1, steps=n, number=8, alone=True)
        if settings["optimiser"] == "least_squares":  # normal equations, a member at a time
            units = settings["architecture"]["hidden"][-1] + 1
            return cost._replace(weights=units**2, steps=1, number=8, alone=True)
        return cost
    # quadrature nodes, in double precision for the polish
    schedule, nodes = settings["schedules"]["exact"], settings["nodes"]
    return cost_of_layers(layers, schedule, objective, dim, points=nodes, number=8)


MODEL = Model(
    name="separate",
    about="one per noise level, the paper's kind",
    network="autoscore.models.separate.network:Separate",
    training={
        "exact": "autoscore.models.separate.training:train_exact",
        "samples": "autoscore.models.separate.training:train_on_samples",
    },
    uses={
        "exact": frozenset(COMMON | {"nodes"}),
        "samples": frozenset(COMMON | {"sizes", "noise", "warm_start", "optimiser"}),
    },
    schedules={"exact": "exact", "samples": "samples"},
    image_settings=IMAGE_SETTINGS | {"tied", "start", "output"},
    separate=True,
    objectives=("dae", "rcae"),
    cost=_cost,
)
