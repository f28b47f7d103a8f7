"""One number per field over the noise grid: symmetry, rotation, Hessian, rank order, noise."""

import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import PLANE, Figure, Listed

RANKS = "energy_correlation"
LOWER, NONE, ONE = "lower is better", "no energy if above its bound", "1 is best"
ALL, DENSITIES = ("gaussian", "kde", "untrained"), ("gaussian", "kde")
PANELS = (  # quantity, title and statement, what is good, scale of the axis, null models, bounds
    ("hessian_error", "Hessian: squared relative error (C5)", LOWER, "log", ALL, (0.1,)),
    (
        "asymmetry_traceless",
        "skew part of dr/dx less its trace (C4)",
        LOWER,
        "log",
        ALL[2:],
        (1 / 6,),
    ),
    ("rotational_fraction", "rotational part of r − x (C4)", LOWER, "log", ALL[2:], ()),
    (RANKS, "1 − rank correlation of |r − x|², −log p (C2)", NONE, "log", ALL, (0.01,)),
    ("sigma_divergence", "σ from the field over true σ (C3)", ONE, "linear", DENSITIES, (0.9, 1.1)),
    ("sigma_loss", "σ from the loss over true σ (C3)", ONE, "linear", ALL, ()),
)
GREY = {"color": "0.5", "linewidth": 0.8, "zorder": 0}
TRUE = GREY | {"y": 1.0, "linestyle": "-", "label": "true σ"}
RANDOM = GREY | {"y": 1 / 3, "linestyle": (0, (1, 2)), "label": "random matrix: 1/3"}
LINES = {"sigma_divergence": TRUE, "sigma_loss": TRUE, "asymmetry_traceless": RANDOM}

FIGURE = Figure(
    section=PLANE,
    shows=("C2", "C3", "C4", "C5"),
    caption="Hessian (statement C5), symmetry and rotation (C4), rank order (C2) and estimates of "
    "sigma (C3) over the noise grid, beside null models. The squared length of r(x) - x is no "
    "energy of the density if its rank correlation with -log p is below .99: a curve above the "
    "bound supports C2, and the check asks this of the exact field (black). Rotation and the "
    "estimate from the loss have no check. Not drawn: the Gaussian and the kernel density where "
    "they have no skew part by construction, and the untrained network's sigma from the field, "
    "which is off the scale",
    scope=Listed((2,)),
    reads={"summary": "results/geometry/{density}.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a panel per quantity: mean and range over seeds, bounds and null models."""
    table = pd.read_csv(inputs["summary"])
    table = table[table["objective"] == "dae"]
    figure, axes = style.grid(len(PANELS), 3, 2.1, 0.2, sharex=True)
    for axis, (quantity, title, good, scale, nulls, bounds) in zip(axes.flat, PANELS, strict=True):
        axis.set(xscale="log", yscale=scale)
        rows = table[table["quantity"] == quantity]
        if quantity == RANKS:
            rows = rows.assign(value=1.0 - rows["value"])
        models = ("exact", "conditioned", "separate", *nulls)
        style.each_model(axis, rows, models, "sigma", "value", 3.5)
        axis.set_title(f"{title}\n{good}", fontsize=7)
        if quantity in LINES:
            axis.axhline(**LINES[quantity])
        style.mark_bounds(axis, *bounds)
    style.label_edges(axes, style.SIGMA)
    style.common_legend(figure, 4)
    style.save(figure, outputs)
