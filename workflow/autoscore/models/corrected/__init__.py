"""One auto-encoder for all noise levels of images that corrects the best linear one."""

from autoscore.models.declaration import Model

MODEL = Model(
    name="corrected",
    about="ours, one for all noise levels, which corrects the best linear one",
    network="autoscore.models.corrected.network:Corrected",
    training={},
    uses={},
    schedules={},
    image_settings=frozenset(
        {
            "kind", "sigmas", "shown", "batch", "learning_rate", "average", "precision",
            "validation", "hidden", "width", "blocks", "axes",
        }
    ),
    separate=False,
    objectives=("dae",),
)  # fmt: skip
