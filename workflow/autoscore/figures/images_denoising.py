"""Denoising error on images over the noise grid, beside baselines."""

import pandas as pd

from autoscore.figures.declaration import IMAGES, Figure, OfImages
from autoscore.figures.sheets import look, name_images
from autoscore.figures.style import PAGE, Axes, common_legend, mark_levels, save, subplots
from autoscore.plan import image_models

SPLITS = {"held_out": "held-out images", "train": "training images"}
FIRST = ("identity", "gaussian", "kde", "empirical")
TICKS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
LEAST = 0.05  # errors below it leave the panel, and stand in numbers at its lower edge

FIGURE = Figure(
    section=IMAGES,
    shows=("T1",),
    caption=(
        "denoising error of a conditioned auto-encoder, of separate ones, and of null models "
        "relative to the linear optimum's (the fitted Gaussian's); the empirical optimum is best "
        "on its own images and poor on others"
    ),
    scope=OfImages(image_models),
    reads={"table": "results/score/images_denoising.csv", "provenance": "results/data/images.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw errors relative to the linear optimum's, one panel per split."""
    table = pd.read_csv(inputs["table"])
    figure, axes = subplots(1, 2, figsize=(PAGE, 2.9), sharey=True, layout="constrained")
    for axis, (split, text) in zip(axes, SPLITS.items(), strict=True):
        axis.set_title(text)
        _draw_panel(axis, table[table["split"] == split])
    axes[0].set_ylabel("squared error / fitted Gaussian's")
    name_images(figure, inputs["provenance"], "Denoising")
    common_legend(figure, 4, "lower")
    save(figure, outputs)


def _draw_panel(axis: Axes, table: pd.DataFrame) -> None:
    for name in dict.fromkeys([*FIRST, *table["model"]]):
        some = table[table["model"] == name].sort_values("sigma")
        # standard errors over images are mostly narrower than the markers
        spread = some["standard_error"] / some["error"] * some["over_linear"]
        axis.errorbar(some["sigma"], some["over_linear"], spread, **look(name), markersize=3)
        for row in some[some["over_linear"] < LEAST].itertuples():
            place = {"ha": "center", "fontsize": 6, "color": look(name)["color"]}
            axis.text(row.sigma, 1.1 * LEAST, f"↓{row.over_linear:.1g}", **place)
    axis.set(xscale="log", yscale="log", xlabel=r"noise level $\sigma$ (white = 1)")
    axis.set_ylim(LEAST, 45)
    axis.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axis.set_yticks([], minor=True)
    mark_levels(axis, table["sigma"])
