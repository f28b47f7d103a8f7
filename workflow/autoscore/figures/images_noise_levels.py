"""Noise levels estimated from noisy images, relative to the true ones (C3)."""

import pandas as pd

from autoscore.figures.declaration import IMAGES, Figure, OfImages
from autoscore.figures.sheets import ONCE, look, name_images
from autoscore.figures.style import COLUMN, common_legend, mark_bounds, mark_levels, save, subplots
from autoscore.plan import image_models

SHIFT = 1.06  # factor between models, so that none hides another

FIGURE = Figure(
    section=IMAGES,
    shows=("C3",),
    caption="the noise level can be estimated from the auto-encoder; the check asks separate ones "
    "for a ratio of 1 to a tenth, and random units and a fitted Gaussian pass, too" + ONCE,
    scope=OfImages(image_models),
    reads={
        "table": "results/score/images_noise_levels.csv",
        "provenance": "results/data/images.csv",
    },
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw estimated / true sigma: from all images together, or the spread over single images."""
    table = pd.read_csv(inputs["table"])
    figure, axis = subplots(figsize=(COLUMN, 3.8), layout="constrained")
    mark_bounds(axis, 0.9, 1.1)
    axis.axhline(1.0, color="black", linewidth=0.8)
    for place, (model, rows) in enumerate(table.groupby("model", sort=False)):
        alone = rows["seen"] == "one"
        rows = rows[alone] if alone.any() else rows
        ratios = rows.groupby("sigma")["ratio"]
        spread = {share: ratios.quantile(share) for share in (0.05, 0.5, 0.95)}
        style = look(model) | {"linestyle": "", "markersize": 3.5}
        style["marker"] = style["marker"] or "_"
        if alone.any():
            style["label"] += ", image by image (90 %)"
        reach = [spread[0.5] - spread[0.05], spread[0.95] - spread[0.5]]
        axis.errorbar(spread[0.5].index * SHIFT ** (place - 1), spread[0.5], reach, **style)
    axis.set(xscale="log", xlabel=r"true noise level $\sigma$ (white = 1)")
    axis.set_ylabel(r"estimated / true $\sigma$")
    mark_levels(axis, table["sigma"])
    name_images(figure, inputs["provenance"], "Unknown noise")
    common_legend(figure, 1, "lower")
    save(figure, outputs)
