"""Metropolis-Hastings from an auto-encoder: both noise levels, too small and too large."""

import numpy as np
import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import SAMPLING, Figure, Probed
from autoscore.figures.runs import few
from autoscore.figures.style import PAGE, mean_and_range
from autoscore.files.storage import read_arrays

SHOWN = 300  # draws per panel
PANELS = {  # column: label, scale of the axis
    "acceptance": ("share accepted", {"value": "log"}),
    "coverage": ("least coverage of a pair", {"value": "linear"}),
    "energy_distance": ("energy distance", {"value": "symlog", "linthresh": 1e-3}),
    "log_p_short": (
        "mean log p below the\nreference's (nats)",
        {"value": "symlog", "linthresh": 1.0},
    ),
}
REFERENCES = {"p": ("$p$", "#0072B2", "o", "-"), "p_sigma": (r"$p_\sigma$", "#D55E00", "s", "--")}

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="Metropolis-Hastings from a one-layer auto-encoder of the paper's kind, with the "
    "noise of training and the proposal's standard deviation (sigma_MH) swept: draws in one "
    "pair of "
    "coordinates (grey dots are data; a number counts draws outside), and how they fare against p "
    "and p_sigma beside independent draws of p_sigma (grey lines; bands are ranges of seeds) and a "
    "fitted Gaussian. At too small a level of training "
    "chains leave the data, at too large a one they blur it; too small a proposal hardly moves, "
    "too large a one is hardly accepted",
    scope=Probed(),
    reads={
        "chains": "results/sample/{density}.npz",
        "metropolis": "results/sample/{density}_metropolis.csv",
    },
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a sweep per pair of rows: scatters above, measurements below."""
    arrays, table = read_arrays(inputs["chains"]), pd.read_csv(inputs["metropolis"])
    first = table[table["field"] == "learned"].iloc[0]
    sweep = table[table["model"] == first["model"]]
    learned = sweep[sweep["field"] == "learned"]
    sweeps = {
        r"$\sigma_{train} = \sigma_{MH}$": learned[learned["sigma"] == learned["step"]],
        r"$\sigma_{MH}$": learned[learned["sigma"] == first["sigma"]],
    }
    sweeps = {name: rows for name, rows in sweeps.items() if len(rows)}
    columns = max(len(rows.drop_duplicates(["sigma", "step"])) for rows in sweeps.values())
    figure = style.subplots(1, 1, figsize=(PAGE, 6.8))[0]
    figure.clear()
    parts = figure.subfigures(len(sweeps), squeeze=False)[:, 0]
    for part, (name, rows) in zip(parts, sweeps.items(), strict=True):
        above, below = part.subfigures(2, height_ratios=[1, 1.2])
        _scatter(above.subplots(1, columns, squeeze=False)[0], arrays, rows)
        axes = below.subplots(1, len(PANELS))
        independent = sweep[sweep["field"] == "p_sigma"]
        _measure(axes, rows, independent, table[table["model"] == "gaussian"])
        for axis in axes:
            axis.set_xlabel(name, fontsize=8)
    style.common_legend(figure, 3)
    style.save(figure, outputs)


def _scatter(axes: np.ndarray, arrays: dict[str, np.ndarray], rows: pd.DataFrame) -> None:
    """Draw each run in the two neighbouring coordinates in which the data spread most."""
    data = arrays["reference"]
    k = int(np.argmax(np.ptp(data[:, :-1], axis=0) + np.ptp(data[:, 1:], axis=0)))
    runs = rows.drop_duplicates(["sigma", "step"]).sort_values(["sigma", "step"])
    for axis, run in zip(axes, runs.itertuples(), strict=False):
        name = f"metropolis-{run.model}-{run.sigma:g}-{run.step:g}"
        for draws, color in ((data, "0.75"), (arrays[name], "#D55E00")):
            shown = few(draws.reshape(-1, data.shape[1]), SHOWN)
            look = {"color": color, "markersize": 2, "markeredgewidth": 0, "rasterized": True}
            axis.plot(shown[:, k], shown[:, k + 1], ".", **look)
        low, high = data[:, k : k + 2].min(0) - 0.5, data[:, k : k + 2].max(0) + 0.5
        axis.set(xticks=[], yticks=[], xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        outside = ((shown[:, k : k + 2] < low) | (shown[:, k : k + 2] > high)).any(1).sum()
        if outside:
            text = f"{outside} of {len(shown)} outside"
            axis.text(0.03, 0.02, text, transform=axis.transAxes, fontsize=7)
        levels = rf"$\sigma_{{train}}$ = {run.sigma:g}, $\sigma_{{MH}}$ = {run.step:g}"
        axis.set_title(levels, fontsize=7)
    axes[0].set_ylabel(f"$x_{k}, x_{k + 1}$", fontsize=7)


def _measure(
    axes: np.ndarray, rows: pd.DataFrame, independent: pd.DataFrame, gaussian: pd.DataFrame
) -> None:
    """Draw each measurement over the proposal's level, against p and p_sigma."""
    floors = independent[independent["sigma"].isin(rows["sigma"])].assign(step=independent["sigma"])
    if (rows["sigma"] == rows["sigma"].iloc[0]).all():  # one level's floor, at every proposal
        ends = [floors.assign(step=end) for end in (rows["step"].min(), rows["step"].max())]
        floors = pd.concat(ends)
    for axis, (column, (label, scale)) in zip(axes, PANELS.items(), strict=True):
        axis.set_xscale("log")
        axis.set_yscale(**scale)
        axis.set_ylabel(label, fontsize=7)
        style.mark_levels(axis, rows["step"])
        if column == "acceptance":  # depends on no reference
            look = {"color": "black", "marker": "D", "markersize": 3, "label": "chains"}
            mean_and_range(axis, rows, "step", column, **look)
            continue
        for reference, (against, color, marker, line) in REFERENCES.items():
            look = {"color": color, "marker": marker, "linestyle": line, "markersize": 3}
            mine = rows[rows["reference"] == reference]
            mean_and_range(axis, mine, "step", column, label=f"chains against {against}", **look)
            grey = look | {"color": "0.5", "markersize": 2}
            name = rf"independent draws of $p_\sigma$ against {against}"
            floor = floors[floors["reference"] == reference]
            mean_and_range(axis, floor, "step", column, label=name, **grey)
        if column != "log_p_short":
            null = gaussian[(gaussian["reference"] == "p") & gaussian["step"].isin(rows["step"])]
            look = style.MODELS["gaussian"] | {"marker": "", "label": "fitted Gaussian against $p$"}
            mean_and_range(axis, null, "step", column, **look)
