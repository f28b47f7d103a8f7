"""Learned score errors over the noise grid: estimation error per seed, and bias."""

from itertools import cycle

import numpy as np
import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import LINE, Figure, Shared
from autoscore.plan import on_the_line

COLUMNS = [
    ("dae", ["separate"], "DAE"),
    ("rcae", ["separate"], "RCAE"),
    ("dae", ["conditioned", "kde"], "other estimates"),
]
LOOKS = {  # reference of a model's estimation error, dash and label
    "separate": ("optimum", "-", "separate"),
    "conditioned": ("optimum", "--", "conditioned"),
    "kde": ("p_sigma", ":", "kernel density"),
}
BIAS = {"color": "0.45", "linewidth": 2.2, "zorder": 0}
NULLS = ("gaussian", "untrained")

FIGURE = Figure(
    section=LINE,
    shows=("T1", "T2", "C1"),
    caption=(
        "trained on the density itself, auto-encoders reach their optimum to 1e-5 or so; on "
        "samples, estimation error dominates at small sigma and bias at large. Errors are against "
        "the optimum of the objective; checks ask for .1. Null models are grey: the fitted "
        "Gaussian comes below that at large sigma, as a kernel density estimate does"
    ),
    scope=Shared(on_the_line),
    reads={"errors": "results/score/errors.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a row per density; columns are the DAE, the RCAE, and others trained on its points."""
    errors = pd.read_csv(inputs["errors"])
    errors = errors[errors["sigma"] > 0]
    count = len(settings["densities"]) * len(COLUMNS)
    figure, axes = style.grid(count, len(COLUMNS), 2.1, 0.8, sharex="row", sharey="row")
    for row, density in zip(axes, settings["densities"], strict=True):
        for axis, (objective, models, heading) in zip(row, COLUMNS, strict=True):
            part = errors[(errors["density"] == density) & (errors["objective"] == objective)]
            _draw_panel(axis, part, models)
            axis.set_title(f"{style.title(density)}, {heading}")
    style.label_edges(axes, style.SIGMA, "squared relative error")
    style.common_legend(figure, 4)
    style.save(figure, outputs)


def _draw_panel(axis: style.Axes, part: pd.DataFrame, models: list[str]) -> None:
    axis.set(xscale="log", yscale="log")
    sizes = sorted(part["n"].unique(), reverse=True)
    for model in models:
        reference, dash, label = LOOKS[model]
        lines = part[(part["model"] == model) & (part["reference"] == reference)]
        looks = zip(sizes, cycle(style.SIZES), cycle(style.MARKERS), strict=False)
        for size, color, marker in looks:
            look = {"color": color, "linestyle": dash, "markersize": 3.5}
            look |= {"marker": "x" if model == "kde" else marker}
            points = "the density itself" if np.isinf(size) else f"{size:,.0f} points"
            look["label"] = f"{label}, {points}"
            rows = lines[lines["n"] == size]
            if model == "kde":  # its range hides the others
                rows = rows.groupby("sigma", as_index=False)["relative_error"].mean()
            style.mean_and_range(axis, rows, "sigma", "relative_error", **look)
    nulls = part[(part["reference"] == "optimum") & part["n"].isin(sizes[:1])]
    for name in NULLS:
        look = style.MODELS[name] | {"color": "0.6", "markersize": 2.5}
        rows = nulls[nulls["model"] == name]
        style.mean_and_range(axis, rows, "sigma", "relative_error", **look)
    axis.axhline(1.0, label="r(x) = x", zorder=0, **style.FLOOR)
    style.mark_bounds(axis, 0.1)
    bias = part[(part["model"] == "exact") & (part["reference"] == "p")]
    label = "bias: best possible against clean score" if "kde" in models else None  # the last
    axis.plot(bias["sigma"], style.drawable(bias["relative_error"]), label=label, **BIAS)
