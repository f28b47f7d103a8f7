"""One auto-encoder for all noise levels that corrects the best linear one, for images."""

from autoscore.models.declaration import IMAGE_SETTINGS, Model

MODEL = Model(
    name="corrected",
    about="ours, one for all noise levels, which corrects the best linear one",
    network="autoscore.models.corrected.network:Corrected",
    image_settings=IMAGE_SETTINGS | {"width", "blocks"},
    separate=False,
    objectives=("dae",),
)
