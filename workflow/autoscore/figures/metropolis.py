"""Metropolis-Hastings from an auto-encoder: both noise levels, too small and too large."""

import numpy as np
import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import SAMPLING, Figure, Probed
from autoscore.figures.runs import few
from autoscore.figures.style import PAGE, mean_and_range
from autoscore.files.storage import read_arrays

SHOWN = 300  # draws per panel
PANELS = {  # column, label, scale of the axis
    "acceptance": ("accepted", "log"),
    "move": ("rms move from draw to draw", "linear"),
    "coverage": ("least coverage of a pair", "linear"),
    "log_p_short": ("log p short of its own (nats)", "symlog"),
}
REFERENCES = {"p": ("#0072B2", "o", "-"), "p_sigma": ("#D55E00", "s", "--")}

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="Metropolis-Hastings from the paper's auto-encoder with both noise levels swept: draws "
    "in one pair of coordinates, and how they fare against p and p_sigma beside independent draws "
    "of p_sigma (grey). Too small a level of training leaves the data, too large a one blurs; too "
    "small a proposal hardly moves, too large a one is hardly accepted",
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
    table = table[table["model"] == first["model"]]
    learned = table[table["field"] == "learned"]
    sweeps = {
        "both levels": learned[learned["sigma"] == learned["step"]],
        f"proposal, $\\sigma_{{train}}$ = {first['sigma']:g}": learned[
            learned["sigma"] == first["sigma"]
        ],
    }
    columns = max(len(rows.drop_duplicates(["sigma", "step"])) for rows in sweeps.values())
    figure = style.subplots(1, 1, figsize=(PAGE, 6.4))[0]
    figure.clear()
    for part, (name, rows) in zip(figure.subfigures(2), sweeps.items(), strict=True):
        above, below = part.subfigures(2, height_ratios=[1, 1.2])
        above.suptitle(name, fontsize=7, x=0.01, ha="left")
        _scatter(above.subplots(1, columns, squeeze=False)[0], arrays, rows)
        _measure(below.subplots(1, len(PANELS)), rows, table[table["field"] == "p_sigma"])
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
        axis.set_title(f"{run.sigma:g}, {run.step:g}", fontsize=6)
    axes[0].set_ylabel(f"$x_{k}, x_{k + 1}$", fontsize=6)


def _measure(axes: np.ndarray, rows: pd.DataFrame, independent: pd.DataFrame) -> None:
    """Draw each measurement over the proposal's level, against p and p_sigma."""
    floors = independent[independent["sigma"].isin(rows["sigma"])].assign(step=independent["sigma"])
    if (rows["sigma"] == rows["sigma"].iloc[0]).all():  # one level's floor, at every proposal
        ends = [floors.assign(step=end) for end in (rows["step"].min(), rows["step"].max())]
        floors = pd.concat(ends)
    for axis, (column, (label, scale)) in zip(axes, PANELS.items(), strict=True):
        axis.set(xscale="log", yscale=scale, xlabel=r"$\sigma_{MH}$")
        axis.set_ylabel(label, fontsize=6)
        for reference, (color, marker, line) in REFERENCES.items():
            if reference == "p" and column in ("acceptance", "move"):
                continue  # they depend on no reference
            look = {"color": color, "marker": marker, "linestyle": line, "markersize": 3}
            mine = rows[rows["reference"] == reference]
            mean_and_range(axis, mine, "step", column, label=f"against {reference}", **look)
            if column != "acceptance":
                grey = {"color": "0.5", "marker": marker, "linestyle": line, "markersize": 2}
                mean_and_range(
                    axis, floors[floors["reference"] == reference], "step", column, **grey
                )
        style.mark_levels(axis, rows["step"])
        axis.tick_params(labelsize=6)
    axes[2].legend(fontsize=5)
