"""One auto-encoder for all noise levels, with the level as an input."""

from collections.abc import Mapping

from autoscore.models.declaration import Cost, Model, cost_of_layers


def _cost(settings: Mapping, objective: str, source: str, dim: int) -> Cost:
    network = settings["network"]
    width = network["width"]
    inner = [(width, width)] * (2 * network["blocks"])
    layers = [(dim + 2 * network["features"], width), *inner, (width, dim)]
    return cost_of_layers(layers, settings["schedules"]["conditioned"], objective, dim)


MODEL = Model(
    name="conditioned",
    about="ours, one for all noise levels",
    network="autoscore.models.conditioned.network:Conditioned",
    training={"samples": "autoscore.models.conditioned.training:train"},
    uses={"samples": frozenset({"kind", "sigmas", "seeds", "sizes", "device", "noise", "network"})},
    schedules={"samples": "conditioned"},
    separate=False,
    objectives=("dae", "rcae", "ssm"),
    cost=_cost,
)
