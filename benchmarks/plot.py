"""One picture of the table: how costs grow, who is faster, and how well memory was estimated."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from autoscore.figures.style import PAGE, applied, save, subplots
from benchmarks.table import FOLDER

PICTURE = FOLDER / "gallery" / "benchmarks.png"
SIZES = {  # what is varied: label, colour, marker
    "levels": ("noise levels", "#D55E00", "o"),
    "seeds": ("seeds", "#E69F00", "s"),
    "units": ("hidden units", "#0072B2", "^"),
    "batch": ("points a step", "#009E73", "D"),
    "points": ("training points", "#CC79A7", "v"),
    "dim": ("dimension", "black", "x"),
}
CHAINS = {  # case and who: label, colour, dash, marker
    ("adjusted Langevin, exact score", "ours"): ("adjusted", "#0072B2", "-", "o"),
    ("adjusted Langevin, learned score", "ours"): ("adjusted, learned", "#56B4E9", "-", "s"),
    ("unadjusted Langevin, exact score", "ours"): ("unadjusted", "#009E73", "-", "^"),
    ("adjusted Langevin, exact score", "ours, compiled, 2 threads"): (
        "adj., compiled",
        "#CC79A7",
        "-",
        "P",
    ),
    ("adjusted Langevin, exact score", "blackjax, float64"): ("blackjax, adj.", "black", "--", "D"),
    ("unadjusted Langevin, exact score", "torchebm, float64"): (
        "torchebm, unadj.",
        "#D55E00",
        "--",
        "v",
    ),
    ("adjusted Langevin, exact score", "plain Python, one chain at a time"): (
        "one by one, adj.",
        "0.5",
        ":",
        "",
    ),
}
LINES = {  # case: label, colour, marker, exponent that turns the size into a count
    "exact contractive optimum, d = 1": ("exact optimum, d = 1", "#0072B2", "o", 1),
    "exact contractive optimum, d = 2": ("exact optimum, d = 2", "#56B4E9", "s", 2),
    "images: linear optimum": ("images: linear optimum", "black", "x", 1),
    "images: separate": ("images: two steps, separate", "#D55E00", "^", 1),
    "images: conditioned": ("images: two steps, conditioned", "#E69F00", "v", 1),
}
OURS = {"ours, separate": "#D55E00", "ours, separate of one": "#D55E00"}  # others: conditioned


@applied()
def draw(folder: Path = FOLDER, picture: Path = PICTURE) -> None:
    """Draw a folder's table; rows that are missing are left out."""
    table = pd.read_csv(folder / "benchmarks.csv")
    figure, axes = subplots(2, 3, figsize=(PAGE, 5.3))
    for axis, kind in zip(axes[0], ("separate", "conditioned"), strict=False):
        _growth(axis, table[table["case"] == f"training, {kind}"])
        axis.set_title(f"training, {kind}")
    _chains(axes[0, 2], table)
    _others(axes[1, 0], table)
    _memory(axes[1, 1], table)
    _lines(axes[1, 2], table)
    for axis in axes.flat:
        if not _has_data(axis):
            axis.remove()
        elif axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=5.5, handlelength=1.8, labelspacing=0.25)
    picture.parent.mkdir(parents=True, exist_ok=True)
    save(figure, {"png": str(picture)})


def _has_data(axis: Axes) -> bool:
    """Return whether the table has any row that this axis shows."""
    return bool(np.isfinite(axis.dataLim.bounds).all())


def _growth(axis: Axes, table: pd.DataFrame) -> None:
    ours = table[table["who"] == "ours"]
    for name, (label, colour, marker) in SIZES.items():
        part = ours[ours["varied"] == name].sort_values("size")
        if not len(part):
            continue
        base = part.loc[(part["ratio"] - 1).abs().idxmin(), "size"]
        style = {"color": colour, "marker": marker, "markersize": 3, "label": label}
        axis.plot(part["size"] / base, part["ratio"], **style)
        axis.fill_between(part["size"] / base, part["low"], part["high"], color=colour, alpha=0.2)
    axis.plot([0.1, 10], [0.1, 10], ":", color="0.6", linewidth=0.8, zorder=0)
    axis.set(xscale="log", yscale="log", xlabel="size / base", ylabel="time of a step / base")


def _chains(axis: Axes, table: pd.DataFrame) -> None:
    for (case, who), (label, colour, dash, marker) in CHAINS.items():
        part = table[(table["case"] == case) & (table["who"] == who)].sort_values("size")
        style = {"color": colour, "linestyle": dash, "marker": marker, "markersize": 3}
        axis.plot(part["size"], 1e6 / part["seconds"], label=label, **style)
    axis.set(xscale="log", yscale="log", xlabel="chains at once", ylabel="chain-steps / s")
    if _has_data(axis):
        axis.set_ylim(bottom=3)  # room for the legend
    axis.set_title("Langevin chains, ninja star")


def _others(axis: Axes, table: pd.DataFrame) -> None:
    """Draw how many times longer others take, with the range over the rounds."""
    part = table[
        table["benchmark"].eq("training")
        & table["ratio"].notna()
        & (table["who"] != table["over"])
        & table["case"].str.endswith("to equal error, mean")
    ]
    part = part.groupby(["who", "over"], sort=False).last().reset_index()
    for place, row in enumerate(part.itertuples()):
        colour = OURS.get(row.over, "#0072B2")
        axis.plot([row.low, row.high], [place] * 2, color=colour)
        axis.plot(row.ratio, place, "o", color=colour, markersize=3)
        text = f"{row.who}\n/ {row.over}, error {row.error if row.error > 0 else row.size:.2g}"
        where = {"xycoords": axis.get_yaxis_transform(), "textcoords": "offset points"}
        axis.annotate(
            text, (0.06, place), (0, 2.5), **where, fontsize=5, linespacing=1.0, va="bottom"
        )
    axis.axvline(1.0, color="0.5", linewidth=0.8)
    axis.set(xscale="log", yticks=[], xlabel="time of the other / ours", ylim=(len(part), -0.9))
    axis.set_title("to equal error, spiral")


def _memory(axis: Axes, table: pd.DataFrame) -> None:
    named = table[table["memory"].notna()].set_index(["case", "varied", "size"])
    foreseen = named.loc[named["who"] == "demands", "memory"].groupby(level=[0, 1, 2]).first()
    found = named.loc[named["who"] == "ours", "memory"].groupby(level=[0, 1, 2]).first()
    both = pd.concat({"foreseen": foreseen, "found": found}, axis=1).dropna()
    cases = both.index.get_level_values("case")
    kinds = np.where(cases.str.contains("chains"), "chains", "training")
    for kind, colour, marker in (("training", "#0072B2", "o"), ("chains", "#D55E00", "s")):
        part = both[kinds == kind]
        axis.plot(part["found"], part["foreseen"], marker, color=colour, markersize=3, label=kind)
    ends = [1, 2e4]
    axis.plot(ends, ends, color="0.5", linewidth=0.8)
    axis.set(xscale="log", yscale="log", xlabel="peak measured (MiB)", ylabel="asked for (MiB)")
    axis.set_title("memory")


def _lines(axis: Axes, table: pd.DataFrame) -> None:
    for case, (label, colour, marker, power) in LINES.items():
        part = table[(table["case"] == case) & table["seconds"].notna()].sort_values("size")
        style = {"color": colour, "marker": marker, "markersize": 3, "label": label}
        axis.plot(part["size"] ** power, part["seconds"], **style)
    axis.set(xscale="log", yscale="log", xlabel="grid points, or pixels", ylabel="seconds")
    if _has_data(axis):
        axis.set_ylim(top=1e5)  # room for the legend
    axis.set_title("exact optima and images")
