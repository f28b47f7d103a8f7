"""One number per field over the noise grid: symmetry, rotation, Hessian, rank order, noise."""

import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import PLANE, Figure, Listed

PANELS = (  # quantity, title, statement, scale of the axis
    ("hessian_error", "Hessian: squared relative error (C5)", "log"),
    ("asymmetry_traceless", "skew part of dr/dx less its trace (C4)", "log"),
    ("rotational_fraction", "rotational part of r − x (C4)", "log"),
    ("energy_correlation", "rank order of |r − x|² and −log p (C2)", "linear"),
    ("sigma_divergence", "σ from the field over true σ (C3)", "linear"),
    ("sigma_loss", "σ from the loss over true σ (C3)", "linear"),
)
# for the best reconstruction; for the skew part, of random matrices in the plane
EXPECTED = {"sigma_divergence": 1.0, "sigma_loss": 1.0, "asymmetry_traceless": 1 / 3}

FIGURE = Figure(
    section=PLANE,
    shows=("C2", "C3", "C4", "C5"),
    caption="Hessian, symmetry, rotation, rank order and estimates of sigma over the noise grid",
    scope=Listed((2,)),
    reads={"summary": "results/geometry/{density}.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a panel per quantity: mean and range over seeds of each model."""
    table = pd.read_csv(inputs["summary"])
    table = table[table["objective"] == "dae"]
    figure, axes = style.grid(len(PANELS), 3, 1.95, 0.0, sharex=True)
    for axis, (quantity, title, scale) in zip(axes.flat, PANELS, strict=True):
        axis.set(xscale="log", yscale=scale)
        rows = table[table["quantity"] == quantity]
        style.each_model(axis, rows, ("conditioned", "separate"), "sigma", "value", 3.5)
        axis.set_title(title, fontsize=7)
        if quantity in EXPECTED:
            axis.axhline(EXPECTED[quantity], color="0.6", linewidth=0.8, zorder=0)
    style.label_edges(axes, style.SIGMA)
    style.common_legend(figure, 2)
    style.save(figure, outputs)
