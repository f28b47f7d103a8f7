"""Separate auto-encoders, one per noise level."""

from collections.abc import Mapping
from itertools import pairwise

from autoscore.models.declaration import IMAGE_SETTINGS, Cost, Model, cost_of_layers

COMMON = {"kind", "sigmas", "seeds", "device", "architecture"}


def _cost(settings: Mapping, objective: str, source: str, dim: int) -> Cost:
    layers = pairwise([dim, *settings["architecture"]["hidden"], dim])
    if source == "samples":
        return cost_of_layers(layers, settings["schedules"]["samples"], objective, dim)
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
    image_settings=IMAGE_SETTINGS | {"tied", "start"},
    separate=True,
    objectives=("dae", "rcae"),
    cost=_cost,
)
