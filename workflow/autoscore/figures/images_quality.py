"""Image samplers compared: likelihood, copying, discrepancy, confidence and switching."""

import pandas as pd

from autoscore.figures.declaration import IMAGES, Figure, OfImages
from autoscore.figures.sheets import look, name_images
from autoscore.figures.style import PAGE, save, subplots
from autoscore.plan import drawn_image_models
from autoscore.samplers.registry import SAMPLERS

QUANTITIES = {
    "parzen": "Parzen log-\nlikelihood (nats)",
    "nearest": "distance to a\ntraining image",
    "mmd2": "squared MMD to\nreal images",
    "confidence": "classifier's\nconfidence",
    "coverage": "coverage of\nreal images",
    "memorised": "nearer to a\ntraining image",
    "switching": "class changes\na draw",
}

FIGURE = Figure(
    section=IMAGES,
    shows=("C7",),
    caption="every sampler's numbers beside those of real images",
    scope=OfImages(drawn_image_models),
    reads={"table": "results/sample/images.csv", "provenance": "results/data/images.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw all quantities for every sampler, with real images and published values."""
    table = pd.read_csv(inputs["table"])
    labels = [_label(row) for row in table.itertuples()]
    size = (PAGE, 0.17 * len(table) + 1.0)
    figure, axes = subplots(1, len(QUANTITIES), figsize=size, sharey=True, layout="constrained")
    height = range(len(table))[::-1]
    for axis, (quantity, text) in zip(axes, QUANTITIES.items(), strict=True):
        for y, row in zip(height, table.to_dict("records"), strict=True):
            style = {"color": "black", "marker": "o"}
            if row["source"] in ("measured", "null model"):
                style = {key: look(row["model"])[key] or "o" for key in style}
            error = row.get(f"{quantity}_error")
            axis.errorbar(row[quantity], y, xerr=error, linestyle="", markersize=3.5, **style)
        axis.set_xlabel(text, fontsize=6)
        axis.grid(axis="y", linewidth=0.3, color="0.9")
        axis.tick_params(axis="x", labelsize=6)
        axis.locator_params(axis="x", nbins=2, min_n_ticks=1)
    axes[2].set_xscale("symlog", linthresh=1e-3)
    axes[2].set_xticks([0, 1e-2])
    axes[2].axvline(table["mmd2_floor"].max(), color="0.6", linewidth=0.6, linestyle=":")
    axes[0].set_yticks(list(height), labels, fontsize=6)
    name_images(figure, inputs["provenance"], "Samples, and real images")
    save(figure, outputs)


def _label(row: tuple) -> str:
    if row.source == "measured":
        return f"{look(row.model)['label']}: {SAMPLERS[row.sampler].label}, from {row.start}"
    name = look(row.model)["label"] if row.source == "null model" else row.model
    return f"{name} ({row.source})" if row.source in ("published", "null model") else name
