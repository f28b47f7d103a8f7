"""How far r moves each point, and where it moves none: sinks, saddles, sources (C2)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm

from autoscore.plots.style import FIELDS, MODELS, PAGE, common_legend, save
from autoscore.storage import read_arrays

KINDS = {  # of fixed points: marker and colour
    "sink": ("o", "#0072B2"),
    "saddle": ("D", "#E69F00"),
    "source": ("^", "#D55E00"),
}


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw -log p_sigma and the norm of r(x) - x of each field, with its fixed points.

    Parameters
    ----------
    inputs
        ``arrays`` and ``fixed_points``: what `autoscore.geometry.plane` returned.
    outputs
        Files to write.
    settings
        Not used.
    """
    arrays, fixed = read_arrays(inputs["arrays"]), pd.read_csv(inputs["fixed_points"])
    fixed = fixed[fixed["seed"].fillna(0) == 0]  # as all else that is drawn
    names = [name for name in FIELDS if f"norm_{name}" in arrays]
    figure, axes = plt.subplots(
        1, 1 + len(names), figsize=(PAGE, PAGE / (1 + len(names)) + 1.2), sharey=True
    )
    extent = arrays["map"].ravel()
    log_p = arrays["log_p"]
    shown = np.maximum(log_p, log_p.max() - 15.0)
    image = axes[0].imshow(-shown.T, origin="lower", extent=extent, cmap="viridis", aspect="equal")
    axes[0].set_title(f"density, σ = {arrays['sigma']:g}")
    bar = figure.colorbar(image, ax=axes[0], location="bottom", shrink=0.9)
    bar.set_label("−log p, up to 15 above its least", fontsize=7)
    norms = arrays["norm_exact"]
    scale = LogNorm(np.quantile(norms, 0.02), norms.max())
    for axis, name in zip(axes[1:], names, strict=True):
        image = axis.imshow(
            np.maximum(arrays[f"norm_{name}"].T, scale.vmin),
            origin="lower", extent=extent, cmap="Greys", norm=scale, aspect="equal",
        )  # fmt: skip
        axis.set_title(MODELS[name]["label"])
        for kind, (marker, colour) in KINDS.items():
            some = fixed[(fixed["field"] == name) & (fixed["kind"] == kind)]
            axis.plot(
                some["x1"], some["x2"], marker, color=colour, markersize=4, markeredgecolor="white",
                markeredgewidth=0.4, label=f"{kind}s",
            )  # fmt: skip
    bar = figure.colorbar(image, ax=axes[1:], location="bottom", shrink=0.5)
    bar.set_label("|r(x) − x|", fontsize=7)
    for axis in axes:
        axis.set_xlabel("$x_1$")
        axis.locator_params(nbins=4)
    axes[0].set_ylabel("$x_2$")
    common_legend(figure, 3)
    save(figure, outputs)
