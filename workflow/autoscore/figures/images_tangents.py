"""Directions that dr/dx keeps, drawn as images: how a digit may change (C5)."""

import numpy as np

from autoscore.figures.sheets import look, name_images, shape_of, sheet, show_sheet
from autoscore.figures.declaration import Figure, IMAGES, OfImages
from autoscore.figures.style import PAGE, save, subplots
from autoscore.plan import image_models
from autoscore.files.storage import read_arrays

FIGURE = Figure(
    section=IMAGES,
    shows=("C5",),
    caption="the directions that are kept deform a digit",
    scope=OfImages(image_models),
    reads={
        "arrays": "results/score/images_tangents.npz",
        "provenance": "results/data/images.csv",
    },
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw images, noisy ones, reconstructions and leading eigenvectors, a row of panels a model.

    Parameters
    ----------
    inputs
        ``arrays``: what `autoscore.images.score.Evaluation.tangents` returned, and ``provenance``.
    outputs
        Files to write.
    settings
        None.
    """
    arrays = read_arrays(inputs["arrays"])
    models = [name for name in arrays if f"{name}_means" in arrays]
    shape = shape_of(arrays["images"])
    directions = arrays[models[0]].shape[1]
    figure, axes = subplots(
        len(models), 2, figsize=(PAGE, 1.9 * len(models) + 0.4), squeeze=False,
        width_ratios=[3, directions], layout="compressed",
    )  # fmt: skip
    for row, model in zip(axes, models, strict=True):
        parts = [arrays["images"], arrays["noisy"], arrays[f"{model}_means"]]
        seen = np.stack(parts, axis=1).reshape(-1, arrays["images"].shape[1])
        show_sheet(row[0], sheet(seen, 3, shape))
        vectors = arrays[model] * np.sign(arrays[model].sum(-1, keepdims=True))
        show_sheet(
            row[1], sheet(vectors.reshape(-1, vectors.shape[-1]), directions, shape), signed=True
        )
        row[0].set_ylabel(look(model)["label"])
    axes[0, 0].set_title("image, noisy, r")
    axes[0, 1].set_title(r"leading eigenvectors of $\partial r/\partial x$ (sign free)")
    name_images(figure, inputs["provenance"], f"Tangents at σ = {float(arrays['sigma']):g}")
    save(figure, outputs)
