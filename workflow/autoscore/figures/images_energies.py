"""Energies of changed images, and closed loops, from the learned score alone (C6, C4)."""

import numpy as np
import pandas as pd

from autoscore.figures.declaration import IMAGES, Figure, OfImages
from autoscore.figures.sheets import ONCE, look, name_images
from autoscore.figures.style import PAGE, common_legend, mark_bounds, mark_levels, save, subplots
from autoscore.plan import image_models

LABELS = {"Gaussian": "draw of a Gaussian"}  # of changes, where not their names

FIGURE = Figure(
    section=IMAGES,
    shows=("C4", "C6"),
    caption="energy of changed images (higher: less likely); loops close for tied weights and the "
    "fitted Gaussian alone. Checks ask the other models for loops of at most a tenth of a "
    "side. They judge energies by the share of Gaussian draws whose energy is above the image's"
    + ONCE,
    scope=OfImages(image_models),
    reads={"table": "results/score/images_energies.csv", "provenance": "results/data/images.csv"},
    settings=lambda config, density: {"sigma": config["images"]["shown_sigma"]},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw energy differences by change, and loops over the noise grid.

    Changes are shown at the noise level nearest to the setting ``sigma`` that all models know.
    """
    table = pd.read_csv(inputs["table"])
    known = table.groupby("sigma")["model"].nunique()
    common = known.index[known == known.max()]
    sigma = min(common, key=lambda level: abs(level - settings["sigma"]))
    figure, (left, right) = subplots(1, 2, figsize=(PAGE, 3.0), layout="constrained")
    loops = table["path"] == "loop"
    changes = table[(table["sigma"] == sigma) & ~loops]
    paths = changes.groupby("path")["mean"].mean().sort_values().index.tolist()
    models = changes["model"].unique()
    for place, model in zip(np.linspace(-0.3, 0.3, len(models)), models, strict=True):
        rows = changes[changes["model"] == model].set_index("path").loc[paths]
        height = [k + place for k in range(len(paths))]
        style = look(model) | {"linestyle": "", "markersize": 4}
        style["marker"] = style["marker"] or "|"
        left.errorbar(rows["mean"], height, xerr=2 * rows["standard_error"], **style)
    left.axvline(0.0, color="0.7", linewidth=0.6)
    left.set_xscale("symlog", linthresh=10)
    left.margins(x=0.08)
    left.set_yticks(range(len(paths)), [LABELS.get(path, path) for path in paths])
    left.set(xlabel="energy above the image's own (nats)", title=f"σ = {sigma:g}")
    for model, rows in table[loops].groupby("model", sort=False):
        size = 7 if model == "gaussian" else 3  # others lie on it
        right.plot(rows["sigma"], rows["mean"], **look(model), markersize=size)
    mark_bounds(right, 0.1)
    right.set(xscale="log", xlabel=r"noise level $\sigma$ (white = 1)", ylim=(-0.03, None))
    right.set_ylabel("loop of three images / a side")
    right.set_title("closed loops (0 for a gradient)")
    mark_levels(right, table["sigma"])
    name_images(figure, inputs["provenance"], "Energies along paths")
    common_legend(figure, 3, "lower")
    save(figure, outputs)
