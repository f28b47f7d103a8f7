"""One number per field over the noise grid: symmetry, rotation, Hessian, rank order, noise."""

import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import PLANE, Figure, Listed

LOWER, HIGHER, ONE = "lower is better", "higher is better", "1 is best"
PANELS = (  # quantity, title and statement, what is good, scale of the axis, null model
    ("hessian_error", "Hessian: squared relative error (C5)", LOWER, "log", "gaussian"),
    ("asymmetry_traceless", "skew part of dr/dx less its trace (C4)", LOWER, "log", "untrained"),
    ("rotational_fraction", "rotational part of r − x (C4)", LOWER, "log", "untrained"),
    ("energy_correlation", "rank order of |r − x|² and −log p (C2)", HIGHER, "linear", "gaussian"),
    ("sigma_divergence", "σ from the field over true σ (C3)", ONE, "linear", "gaussian"),
    ("sigma_loss", "σ from the loss over true σ (C3)", ONE, "linear", "gaussian"),
)
GREY = {"color": "0.5", "linewidth": 0.8, "zorder": 0}
TRUE = GREY | {"y": 1.0, "linestyle": "-", "label": "true σ"}
RANDOM = GREY | {"y": 1 / 3, "linestyle": (0, (1, 2)), "label": "random matrix: 1/3"}
LINES = {"sigma_divergence": TRUE, "sigma_loss": TRUE, "asymmetry_traceless": RANDOM}

FIGURE = Figure(
    section=PLANE,
    shows=("C2", "C3", "C4", "C5"),
    caption="Hessian, symmetry, rotation, rank order and estimates of sigma over the noise grid, "
    "with a null model in each panel",
    scope=Listed((2,)),
    reads={"summary": "results/geometry/{density}.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a panel per quantity: mean and range over seeds of each model and a null."""
    table = pd.read_csv(inputs["summary"])
    table = table[table["objective"] == "dae"]
    figure, axes = style.grid(len(PANELS), 3, 2.1, 0.2, sharex=True)
    for axis, (quantity, title, good, scale, null) in zip(axes.flat, PANELS, strict=True):
        axis.set(xscale="log", yscale=scale)
        rows = table[table["quantity"] == quantity]
        models = ("exact", "conditioned", "separate", null)
        style.each_model(axis, rows, models, "sigma", "value", 3.5)
        axis.set_title(f"{title}\n{good}", fontsize=7)
        if quantity in LINES:
            axis.axhline(**LINES[quantity])
    style.label_edges(axes, style.SIGMA)
    style.common_legend(figure, 4)
    style.save(figure, outputs)
