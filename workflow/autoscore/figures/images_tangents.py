"""Directions that dr/dx keeps, drawn as images: how a digit may vary (C5)."""

import numpy as np

from autoscore.figures.declaration import IMAGES, Figure, OfImages
from autoscore.figures.sheets import ONCE, look, name_images, show_sheet
from autoscore.figures.style import PAGE, save, subplots
from autoscore.files.storage import read_arrays
from autoscore.plan import image_models

FIGURE = Figure(
    section=IMAGES,
    shows=("C5",),
    caption="the directions that are kept deform a digit for the trained untied model and the "
    "conditioned one; each has a scale of colours of its own. Random units, a null model, stand "
    "beside them" + ONCE,
    scope=OfImages(image_models),
    reads={"arrays": "results/score/images_tangents.npz", "provenance": "results/data/images.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw images, noisy images, reconstructions and leading eigenvectors, one row per model."""
    arrays = read_arrays(inputs["arrays"])
    models = [name for name in arrays if f"{name}_means" in arrays]
    directions = arrays[models[0]].shape[1]
    figure, axes = subplots(
        len(models), 2, figsize=(PAGE, 1.9 * len(models) + 0.4), squeeze=False,
        width_ratios=[3, directions], layout="compressed",
    )  # fmt: skip
    for row, model in zip(axes, models, strict=True):
        parts = [arrays["images"], arrays["noisy"], arrays[f"{model}_means"]]
        show_sheet(row[0], np.stack(parts, axis=1), 3)
        vectors = arrays[model] * np.sign(arrays[model].sum(-1, keepdims=True))
        vectors /= np.abs(vectors).max(-1, keepdims=True)
        show_sheet(row[1], vectors, directions, signed=True)
        row[0].set_ylabel(look(model)["label"])
    axes[0, 0].set_title("image, noisy, r")
    axes[0, 1].set_title(r"leading eigenvectors of $\partial r/\partial x$ (sign free)")
    name_images(figure, inputs["provenance"], f"Tangents at σ = {float(arrays['sigma']):g}")
    save(figure, outputs)
