"""How symmetric dr/dx becomes through training (C4)."""

import matplotlib.pyplot as plt
import pandas as pd

from autoscore.plots.images.common import look, name_images
from autoscore.plots.style import PAGE, common_legend, save

PARTS = {
    "symmetry": r"$\partial r/\partial x$",
    "symmetry_beside_identity": r"$\partial r/\partial x - I$",
}
WIDTHS = (1.6, 0.8)  # the largest noise level is drawn first


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw symmetry over training steps at the least and the largest noise level of each model.

    Parameters
    ----------
    inputs
        ``provenance``, and of each model the symmetries that training wrote down.
    outputs
        Files to write.
    settings
        ``models``: the names of these, in the same order.
    """
    figure, axes = plt.subplots(1, 2, figsize=(PAGE, 2.9), sharey=True, layout="constrained")
    for model in settings["models"]:
        table = pd.read_csv(inputs[model])
        ends = table["sigma"].max(), table["sigma"].min()
        for axis, part in zip(axes, PARTS, strict=True):
            for sigma, width in list(zip(ends, WIDTHS, strict=True))[: table["sigma"].nunique()]:
                some = table[table["sigma"] == sigma]
                style = look(model) | {"linewidth": width, "markersize": 3}
                style["label"] += f", σ = {sigma:g}"
                axis.plot(some["step"] + 1, some[part], **style)
    for axis, text in zip(axes, PARTS.values(), strict=True):
        axis.axhline(0.5, color="0.7", linewidth=0.6)
        axis.set(xscale="log", xlabel="training step + 1", title=f"of {text}", ylim=(0.45, 1.02))
    axes[0].set_ylabel("symmetry (random matrix: 0.5)")
    name_images(figure, inputs["provenance"], "Symmetry through training")
    common_legend(figure, 3, "lower")
    save(figure, outputs)
