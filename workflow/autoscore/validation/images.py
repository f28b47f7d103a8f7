"""Mistakes in the images and their models."""

from collections.abc import Iterator

from autoscore.models.registry import MODELS
from autoscore.numerics.grids import noise_levels
from autoscore.validation.grids import grid_mistakes
from autoscore.validation.names import OF_IMAGES, name_mistakes
from autoscore.wording import shown


def image_mistakes(images: dict) -> Iterator[str]:
    """Yield what is wrong with the images and their models."""
    yield from grid_mistakes("images.sigmas", images["sigmas"])
    models = images.get("models", {})
    yield from name_mistakes("images.models", models, OF_IMAGES)
    for name, model in models.items():
        key = f"images.models.{name}"
        yield from grid_mistakes(f"{key}.sigmas", model["sigmas"])
        if not MODELS[model["kind"]].separate and len(noise_levels(model["sigmas"])) < 2:
            told = f"allowed: two or more for {model['kind']}"
            yield f"{key}.sigmas is {shown(model['sigmas'])}; {told}"
    for name in images["sample"]["models"]:
        if name not in models:
            known = ", ".join(models) or "none"
            yield f"images.sample.models has {shown(name)}; allowed: {known}"
