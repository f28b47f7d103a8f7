"""The paper's separate auto-encoders, one per noise level."""

from collections.abc import Mapping
from itertools import pairwise

from autoscore.models.declaration import Model, Shapes

COMMON = {"kind", "sigmas", "seeds", "device", "architecture"}


def _layers(settings: Mapping, dim: int) -> Shapes:
    return list(pairwise([dim, *settings["architecture"]["hidden"], dim]))


MODEL = Model(
    name="separate",
    about="the paper's, one per noise level",
    network="autoscore.models.separate.network:Separate",
    training={
        "exact": "autoscore.models.separate.training:train_exact",
        "samples": "autoscore.models.separate.training:train_on_samples",
    },
    uses={
        "exact": frozenset(COMMON | {"nodes"}),
        "samples": frozenset(COMMON | {"sizes", "noise", "warm_start"}),
    },
    schedules={"exact": "exact", "samples": "samples"},
    image_settings=frozenset(
        {
            "kind", "sigmas", "shown", "batch", "learning_rate", "average", "precision",
            "validation", "tied", "start", "hidden", "axes",
        }
    ),
    separate=True,
    objectives=("dae", "rcae"),
    layers=_layers,
)  # fmt: skip
