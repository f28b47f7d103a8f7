"""Symmetry of dr/dx through training (C4)."""

from collections.abc import Mapping

import pandas as pd

from autoscore.figures.declaration import IMAGES, Figure, OfImages
from autoscore.figures.sheets import ONCE, look, name_images
from autoscore.figures.style import PAGE, common_legend, mark_bounds, save, subplots
from autoscore.plan import separate_image_models

PARTS = {
    "symmetry": r"$\partial r/\partial x$",
    "symmetry_traceless": r"$\partial r/\partial x - I$ without its trace",
}
# of the largest noise level, drawn first, and of the least
ENDS = (
    {"linewidth": 1.6, "markersize": 6},
    {"linewidth": 0.8, "markersize": 4, "markerfacecolor": "white"},
)


def _reads(config: Mapping) -> dict[str, str]:
    tables = {
        model: f"results/train/images/{model}_symmetry.csv"
        for model in separate_image_models(config)
    }
    return tables | {"provenance": "results/data/images.csv"}


FIGURE = Figure(
    section=IMAGES,
    shows=("C4",),
    caption="symmetry of dr/dx through training, also without its trace; hollow: the least sigma. "
    "Checks ask for .75 from the untied model, half-way from a random matrix, and for 1 from the "
    "tied one, which is symmetric by its architecture. The tied one ends earlier: it starts at the "
    "linear optimum and is shown fewer images. Random units are not trained" + ONCE,
    scope=OfImages(separate_image_models),
    reads=_reads,
    settings=lambda config, density: {"models": separate_image_models(config)},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw symmetry over training steps at the largest and least noise level of each model."""
    figure, axes = subplots(1, 2, figsize=(PAGE, 2.9), sharey=True, layout="constrained")
    for model in settings["models"]:
        table = pd.read_csv(inputs[model])
        ends = table["sigma"].max(), table["sigma"].min()
        for axis, part in zip(axes, PARTS, strict=True):
            for sigma, end in list(zip(ends, ENDS, strict=True))[: table["sigma"].nunique()]:
                some = table[table["sigma"] == sigma]
                style = look(model) | end
                if len(some) == 1:
                    style |= {"linestyle": "", "zorder": 4}
                style["label"] += f", σ = {sigma:g}"
                axis.plot(some["step"] + 1, some[part], **style)
    for axis, text in zip(axes, PARTS.values(), strict=True):
        mark_bounds(axis, 0.75)
        axis.axhline(0.5, color="0.7", linewidth=0.6)
        axis.set(xscale="log", xlabel="training step + 1", title=f"of {text}", ylim=(0.45, 1.02))
    axes[0].set_ylabel("symmetry (random: 0.5)")
    name_images(figure, inputs["provenance"], "Symmetry through training")
    common_legend(figure, 3, "lower")
    save(figure, outputs)
