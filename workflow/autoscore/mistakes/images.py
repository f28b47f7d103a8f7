"""Mistakes in the images and their models."""

from collections.abc import Iterator

from autoscore.grids import noise_levels
from autoscore.mistakes.grids import grid_mistakes


def image_mistakes(images: dict) -> Iterator[str]:
    """Yield what is wrong with the images and their models."""
    yield from grid_mistakes("images.sigmas", images["sigmas"])
    models = images.get("models", {})
    for name, model in models.items():
        key = f"images.models.{name}"
        yield from grid_mistakes(f"{key}.sigmas", model["sigmas"])
        if model["kind"] == "conditioned" and len(noise_levels(model["sigmas"])) < 2:
            yield f"{key}.sigmas is {model['sigmas']!r}; allowed: two or more for conditioned"
    for name in images["sample"]["models"]:
        if name not in models:
            known = ", ".join(models) or "none"
            yield f"images.sample.models has {name!r}; allowed: {known}"
