"""Image samplers compared: likelihood, copying, discrepancy, confidence and switching."""

import numpy as np
import pandas as pd

from autoscore.figures.declaration import IMAGES, Figure, OfImages
from autoscore.figures.sheets import ONCE, look, name_images
from autoscore.figures.style import PAGE, save, subplots
from autoscore.plan import drawn_image_models
from autoscore.samplers.registry import SAMPLERS

QUANTITIES = {  # arrows point to the better end, where there is one
    "parzen": "Parzen log-\nlikelihood\n(nats) →",
    "nearest": "distance to\na training\nimage",
    "mmd2": "squared MMD\nto real\nimages ←",
    "confidence": "classifier's\nconfidence →",
    "coverage": "coverage of\nreal images →",
    "memorised": "nearer to\na training\nimage",
    "switching": "class\nchanges\na draw →",
}
EXPECTED = {  # of real images
    "mmd2": "mmd2_floor",
    "coverage": "coverage_expected",
    "memorised": "memorised_expected",
}
LOOKS = {
    "real images": {"color": "black", "marker": "*"},
    "published": {"color": "black", "marker": "o", "markerfacecolor": "white"},
}

FIGURE = Figure(
    section=IMAGES,
    shows=("C7",),
    caption="every sampler's numbers beside those of real images; arrows point to the better end, "
    "bars are standard errors, grey ticks what real images would give (of the squared MMD, the "
    "root mean square). Likelihood and coverage rise with the number of images, in brackets. "
    "Checks ask the conditioned model's flow for the likelihood of the deep generative stochastic "
    "network, and for nine tenths of the coverage of real images" + ONCE,
    scope=OfImages(drawn_image_models),
    reads={"table": "results/sample/images.csv", "provenance": "results/data/images.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw all quantities for every sampler, with real images and published values."""
    table = pd.read_csv(inputs["table"])
    labels = [_label(row) for row in table.itertuples()]
    size = (PAGE, 0.24 * len(table) + 1.0)
    figure, axes = subplots(1, len(QUANTITIES), figsize=size, sharey=True, layout="constrained")
    height = range(len(table))[::-1]
    for axis, (quantity, text) in zip(axes, QUANTITIES.items(), strict=True):
        for y, row in zip(height, table.to_dict("records"), strict=True):
            style = LOOKS.get(row["source"])
            style = style or {key: look(row["model"])[key] or "o" for key in ("color", "marker")}
            error = row.get(f"{quantity}_error")
            axis.errorbar(row[quantity], y, xerr=error, linestyle="", markersize=4, **style)
            expected = row.get(EXPECTED.get(quantity), np.nan)
            axis.plot(expected, y, "|", color="0.6", markersize=6, zorder=0)
        axis.set_xlabel(text, fontsize=7)
        axis.margins(x=0.12)
        axis.grid(axis="y", linewidth=0.3, color="0.9")
        axis.tick_params(axis="x", labelsize=7)
        axis.locator_params(axis="x", nbins=3, min_n_ticks=2)
    axes[-1].set(xlim=(-0.05, 1.05), xticks=[0, 1])  # a share
    axes[2].set_xscale("symlog", linthresh=1e-3)
    axes[2].autoscale(axis="x")
    axes[2].set_xticks([0, 1e-2])
    axes[0].set_yticks(list(height), labels, fontsize=7)
    axes[0].set_ylim(-0.7, len(table) - 0.3)
    name_images(figure, inputs["provenance"], "Samples, and real images")
    save(figure, outputs)


def _label(row: tuple) -> str:
    """Return a row's name, with its number of images in brackets if it has one."""
    name = row.model if row.source in ("published", "real images") else look(row.model)["label"]
    if row.source == "measured":
        name += f":\n{SAMPLERS[row.sampler].label}, from {row.start}"
    if row.source == "published":
        return f"{name}\n(published)"
    return f"{name} ({row.n:,.0f})"
