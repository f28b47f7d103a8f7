"""Eigenvalues of dr/dx at noisy images, and the number of kept directions over sigma (C5)."""

import numpy as np
import pandas as pd

from autoscore.figures.declaration import IMAGES, Figure, OfImages
from autoscore.figures.sheets import ONCE, look, name_images
from autoscore.figures.style import PAGE, common_legend, mark_levels, save, subplots
from autoscore.plan import image_models

SHOWN = 300  # leading eigenvalues

FIGURE = Figure(
    section=IMAGES,
    shows=("C5",),
    caption="the eigenvalues of dr/dx fall as sigma grows; their sum is mostly below that of the "
    "linear optimum (the fitted Gaussian's); checks count those above 1/2 (line)" + ONCE,
    scope=OfImages(image_models),
    reads={"table": "results/score/images_spectra.csv", "provenance": "results/data/images.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the last model's spectrum at each noise level, and every model's sum of eigenvalues."""
    from matplotlib import colormaps

    table = pd.read_csv(inputs["table"])
    figure, (left, right) = subplots(1, 2, figsize=(PAGE, 2.9), layout="constrained")
    columns = [name for name in table.columns if name.startswith("eigenvalue_")][:SHOWN]
    model = table["model"].iloc[-1]
    some = table[table["model"] == model].sort_values("sigma")
    linear = table[table["model"] == "gaussian"].set_index("sigma")[columns]
    colours = colormaps["viridis"](np.linspace(0.0, 0.85, len(some)))
    for colour, sigma, values in zip(colours, some["sigma"], some[columns].to_numpy(), strict=True):
        ranks = np.arange(1, len(values) + 1)
        left.plot(ranks, values, color=colour)
        if sigma in linear.index:
            left.plot(ranks, linear.loc[sigma], ":", color=colour, linewidth=0.9)
        half = int((values > 0.5).sum())
        left.annotate(
            f"{sigma:g}", (max(half, 1), 0.5), ha="center", va="center", fontsize=6,
            color=colour, bbox={"color": "white", "pad": 0.6},
        )  # fmt: skip
    left.axhline(0.5, color="0.7", linewidth=0.6, zorder=0)
    left.set(xscale="log", xlabel="rank, the largest eigenvalue first")
    left.set_ylabel(r"eigenvalue of $\partial r/\partial x$")
    left.set_title(f"{look(model)['label']} (dotted: fitted Gaussian), by σ")
    for name, rows in table.groupby("model", sort=False):
        right.plot(rows["sigma"], rows["trace"], **look(name), markersize=3)
    right.set(xscale="log", yscale="log", xlabel=r"noise level $\sigma$ (white = 1)")
    right.set_ylabel("sum of eigenvalues")
    mark_levels(right, table["sigma"])
    name_images(figure, inputs["provenance"], "How many directions r keeps")
    common_legend(figure, 3, "lower")
    save(figure, outputs)
