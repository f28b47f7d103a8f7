"""Learned score errors over the noise grid: estimation error with its seeds, and bias."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from autoscore.plots.style import MARKERS, NAMES, PAGE, SIZES, save, title


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a row a density and a column an objective.

    Parameters
    ----------
    inputs
        ``errors``: the table of all score errors.
    outputs
        Files to write.
    settings
        Not used.
    """
    errors = pd.read_csv(inputs["errors"])
    several = errors.groupby("density")["sigma"].nunique() > 2
    densities = [name for name in errors["density"].unique() if several[name]]
    objectives = [name for name in NAMES if name in set(errors["objective"])]
    figure, axes = plt.subplots(
        len(densities),
        len(objectives),
        sharex="row",
        sharey="row",
        squeeze=False,
        figsize=(PAGE, 2.3 * len(densities) + 0.6),
    )
    for row, density in zip(axes, densities, strict=True):
        for axis, objective in zip(row, objectives, strict=True):
            part = errors[(errors["density"] == density) & (errors["objective"] == objective)]
            _draw_panel(axis, part[part["sigma"] > 0], objective)
            axis.set_title(f"{title(density)}, {NAMES[objective]}")
        row[0].set_ylabel("squared relative error")
    for axis in axes[-1]:
        axis.set_xlabel(r"noise level $\sigma$")
    handles = {
        label: handle
        for axis in axes.flat
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=3)
    save(figure, outputs)


def _draw_panel(axis: Axes, part: pd.DataFrame, objective: str) -> None:
    learned = part[part["reference"] == "optimum"]
    sizes = sorted(learned["n"].unique(), reverse=True)
    for model, dash in (("ensemble", "-"), ("conditioned", "--")):
        for size, colour, marker in zip(sizes, SIZES, MARKERS, strict=False):
            lines = learned[(learned["model"] == model) & (learned["n"] == size)]
            if len(lines):
                kind = "one a level" if model == "ensemble" else "conditioned"
                label = f"estimation, {kind}, {_points(size)}"
                _draw_band(axis, lines, colour, marker, dash, label)
    for size, colour in zip(sizes, SIZES, strict=False):
        estimate = part[
            (part["model"] == "kde") & (part["reference"] == "p_sigma") & (part["n"] == size)
        ]
        if len(estimate):
            label = f"kernel density, {_points(size)}"
            _draw_band(axis, estimate, colour, None, ":", label)
    bias = part[(part["model"] == "exact") & (part["reference"] == "p")]
    axis.plot(
        bias["sigma"],
        bias["relative_error"],
        color="0.55",
        linewidth=2.2,
        zorder=0,
        label="bias: best against clean score",
    )
    axis.set_xscale("log")
    axis.set_yscale("log")


def _draw_band(
    axis: Axes, lines: pd.DataFrame, colour: str, marker: str | None, dash: str, label: str
) -> None:
    """Draw the mean over seeds and the range that the seeds span."""
    sns.lineplot(
        lines,
        x="sigma",
        y="relative_error",
        errorbar=("pi", 100),
        ax=axis,
        color=colour,
        marker=marker,
        markersize=3.5,
        markeredgewidth=0,
        linestyle=dash,
        label=label,
        legend=False,
    )
    axis.set_xlabel("")
    axis.set_ylabel("")


def _points(size: float) -> str:
    return "the density itself" if np.isinf(size) else f"{size:,.0f} points"
