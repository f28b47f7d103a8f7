"""Denoising error on images over the noise grid, beside baselines."""

import pandas as pd

from autoscore.figures.declaration import IMAGES, Figure, OfImages
from autoscore.figures.sheets import ONCE, look, name_images
from autoscore.figures.style import (
    PAGE,
    Axes,
    common_legend,
    label_edges,
    mark_levels,
    save,
    subplots,
)
from autoscore.plan import image_models

SPLITS = {"held_out": "held-out images", "train": "training images"}
FIRST = ("identity", "gaussian", "kde", "empirical")
WINDOWS = (  # limits and ticks of the rows; smaller errors stand in numbers at the first's edge
    (0.05, 45.0, (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)),
    (0.65, 1.45, (0.7, 0.8, 0.9, 1.0, 1.2, 1.4)),
)

FIGURE = Figure(
    section=IMAGES,
    shows=("T1",),
    caption=(
        "denoising error of a conditioned auto-encoder, of separate ones, and of null models "
        "relative to the linear optimum's (the fitted Gaussian's), which checks ask a trained "
        "model to stay below on held-out images; the lower row magnifies errors near it. The "
        "empirical optimum is best on its own images, where its errors leave the panel (arrows "
        "with their values), and poor on others" + ONCE
    ),
    scope=OfImages(image_models),
    reads={"table": "results/score/images_denoising.csv", "provenance": "results/data/images.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw errors relative to the linear optimum's, a column per split, all and near 1."""
    table = pd.read_csv(inputs["table"])
    size = (PAGE, 4.6)
    figure, axes = subplots(2, 2, figsize=size, sharey="row", sharex=True, layout="constrained")
    for column, (split, text) in zip(axes.T, SPLITS.items(), strict=True):
        column[0].set_title(text)
        for axis, window in zip(column, WINDOWS, strict=True):
            _draw_panel(axis, table[table["split"] == split], *window)
    label_edges(axes, r"noise level $\sigma$ (white = 1)", "squared error /\nfitted Gaussian's")
    name_images(figure, inputs["provenance"], "Denoising")
    common_legend(figure, 4, "lower")
    save(figure, outputs)


def _draw_panel(
    axis: Axes, table: pd.DataFrame, low: float, high: float, ticks: tuple[float, ...]
) -> None:
    for name in dict.fromkeys([*FIRST, *table["model"]]):
        some = table[table["model"] == name].sort_values("sigma")
        # standard errors over images are mostly narrower than the markers
        spread = some["standard_error"] / some["error"] * some["over_linear"]
        axis.errorbar(some["sigma"], some["over_linear"], spread, **look(name), markersize=3)
        if low != WINDOWS[0][0]:
            continue
        for row in some[some["over_linear"] < low].itertuples():
            place = {"ha": "center", "fontsize": 6, "color": look(name)["color"]}
            axis.text(row.sigma, 1.1 * low, f"↓{row.over_linear:.1g}", **place)
    axis.set(xscale="log", yscale="log", ylim=(low, high))
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_yticks([], minor=True)
    mark_levels(axis, table["sigma"])
