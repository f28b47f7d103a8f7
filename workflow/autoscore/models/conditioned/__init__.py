"""One auto-encoder for all noise levels, with the level as an input. Beyond the paper."""

from collections.abc import Mapping

from autoscore.models.declaration import Model, Shapes


def _layers(settings: Mapping, dim: int) -> Shapes:
    network = settings["network"]
    width = network["width"]
    inner = [(width, width)] * (2 * network["blocks"])
    return [(dim + 2 * network["features"], width), *inner, (width, dim)]


MODEL = Model(
    name="conditioned",
    about="ours, one for all noise levels",
    network="autoscore.models.conditioned.network:Conditioned",
    training={"samples": "autoscore.models.conditioned.training:train"},
    uses={"samples": frozenset({"kind", "sigmas", "seeds", "sizes", "device", "noise", "network"})},
    schedules={"samples": "conditioned"},
    image_settings=frozenset(),
    separate=False,
    objectives=("dae", "rcae", "ssm"),
    layers=_layers,
)
