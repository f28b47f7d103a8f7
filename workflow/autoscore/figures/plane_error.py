"""Errors of learned fields over the noise grid, a panel per density of two or more dimensions."""

import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import PLANE, Figure, Shared
from autoscore.plan import beyond_the_line

SHOWN = ("conditioned", "separate", "kde", "gaussian", "untrained")
COLUMNS = 4
BIAS = {"color": "0.3", "markersize": 4, "zorder": 0, "label": "bias of the best DAE"}

FIGURE = Figure(
    section=PLANE,
    shows=("T1", "C1"),
    caption="learned fields beside null models (a kernel density estimate, a fitted Gaussian, an "
    "untrained network, which may lie above the panel, and r(x) = x) and the bias of the best DAE, "
    "over sigma. Checks ask a learned field for .1",
    scope=Shared(beyond_the_line),
    reads={"errors": "results/score/errors.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the DAE's error against the score of p_sigma (T1), and the bias beside it (C1)."""
    errors = pd.read_csv(inputs["errors"])
    errors = errors[(errors["sigma"] > 0) & (errors["objective"] == "dae")]
    densities = settings["densities"]
    figure, axes = style.grid(len(densities), COLUMNS, 1.7, 0.8, sharex=True, sharey=True)
    for axis, density in zip(axes.flat, densities, strict=False):
        _draw_panel(axis, errors[errors["density"] == density])
        axis.set_title(style.title(density), fontsize=7)
    for axis in axes.flat[max(0, len(densities) - COLUMNS) : len(densities)]:
        axis.set_xlabel(style.SIGMA)
        axis.tick_params(labelbottom=True)
    for axis in axes[:, 0]:
        axis.set_ylabel("squared rel. error")
    style.common_legend(figure, 4)
    style.save(figure, outputs)


def _draw_panel(axis: style.Axes, part: pd.DataFrame) -> None:
    axis.set(xscale="log", yscale="log", ylim=(1e-6, 3.0))
    trained = part[part["model"].isin(["conditioned", "separate"])]
    rows = part[(part["n"] == trained["n"].max()) & (part["reference"] == "p_sigma")]
    rows = rows[rows["sigma"].isin(trained["sigma"])]  # other variants have levels of their own
    style.each_model(axis, rows, SHOWN, "sigma", "relative_error", 3)
    bias = part[(part["model"] == "exact") & (part["reference"] == "p")]
    if bias.empty:
        text = "bias not measured" if (part["reference"] == "p").any() else "no clean score"
        axis.text(0.05, 0.05, text, transform=axis.transAxes, fontsize=7, color="0.4")
    axis.axhline(1.0, label="r(x) = x", zorder=0, **style.FLOOR)
    style.mark_bounds(axis, 0.1)
    axis.plot(bias["sigma"], style.drawable(bias["relative_error"]), ".", **BIAS)
