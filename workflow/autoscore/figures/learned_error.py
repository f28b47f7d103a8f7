"""Learned score errors over the noise grid: estimation error with its seeds, and bias."""

from itertools import cycle

import numpy as np
import pandas as pd

from autoscore.figures.declaration import Figure, LINE, Shared
from autoscore.figures.style import Axes, MARKERS, PAGE, SIZES, common_legend, drawable, mean_and_range, save, subplots, title
from autoscore.plan import on_the_line

COLUMNS = [
    ("dae", ["separate"], "DAE"),
    ("rcae", ["separate"], "RCAE"),
    ("dae", ["conditioned", "kde"], "other estimates"),
]
LOOKS = {  # what a model's estimation error is measured against, and how it is drawn
    "separate": ("optimum", "-", "auto-encoders"),
    "conditioned": ("optimum", "--", "conditioned"),
    "kde": ("p_sigma", ":", "kernel density"),
}

FIGURE = Figure(
    section=LINE,
    shows=("T1", "T2", "C1"),
    caption=(
        "trained on the density itself, auto-encoders reach their optimum to 1e-5 or so; on "
        "samples, estimation error dominates at small sigma and bias at large"
    ),
    scope=Shared(on_the_line),
    reads={"errors": "results/score/errors.csv"},
    settings=lambda config, density: {"densities": on_the_line(config)},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a row a density; columns are the DAE, the RCAE, and others trained on the same points.

    Parameters
    ----------
    inputs
        ``errors``: the table of all score errors.
    outputs
        Files to write.
    settings
        ``densities``: the rows.
    """
    errors = pd.read_csv(inputs["errors"])
    densities = settings["densities"]
    figure, axes = subplots(
        len(densities),
        len(COLUMNS),
        sharex="row",
        sharey="row",
        squeeze=False,
        figsize=(PAGE, 2.1 * len(densities) + 0.8),
    )
    for row, density in zip(axes, densities, strict=True):
        for axis, (objective, models, heading) in zip(row, COLUMNS, strict=True):
            part = errors[(errors["density"] == density) & (errors["objective"] == objective)]
            _draw_panel(axis, part[part["sigma"] > 0], models)
            axis.set_title(f"{title(density)}, {heading}")
        row[0].set_ylabel("squared relative error")
    for axis in axes[-1]:
        axis.set_xlabel(r"noise level $\sigma$")
    common_legend(figure, 3)
    save(figure, outputs)


def _draw_panel(axis: Axes, part: pd.DataFrame, models: list[str]) -> None:
    axis.set(xscale="log", yscale="log")
    sizes = sorted(part["n"].unique(), reverse=True)
    for model in models:
        reference, dash, what = LOOKS[model]
        lines = part[(part["model"] == model) & (part["reference"] == reference)]
        for size, colour, marker in zip(sizes, cycle(SIZES), cycle(MARKERS), strict=False):
            some = lines[lines["n"] == size]
            if len(some):
                look = {"color": colour, "linestyle": dash, "label": f"{what}, {_points(size)}"}
                look |= {"marker": "" if model == "kde" else marker, "markersize": 3.5}
                mean_and_range(axis, some, "sigma", "relative_error", **look)
    bias = part[(part["model"] == "exact") & (part["reference"] == "p")]
    axis.plot(
        bias["sigma"],
        drawable(bias["relative_error"]),
        color="0.55",
        linewidth=2.2,
        zorder=0,
        label="bias: best possible against clean score",
    )


def _points(size: float) -> str:
    return "the density itself" if np.isinf(size) else f"{size:,.0f} points"
