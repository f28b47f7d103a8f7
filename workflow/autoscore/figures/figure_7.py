"""The paper's figure 7: a field that is wild away from the data, and what is lost there."""

import numpy as np
import pandas as pd

from autoscore.baselines.registry import BASELINES
from autoscore.figures import style
from autoscore.figures.declaration import PAPER, Figure, OfPaper
from autoscore.figures.figure_5 import READS, ROWS, with_recipe
from autoscore.figures.quiver import draw_window
from autoscore.files.storage import read_arrays

COLUMNS = ("paper", "paper_solved")
SORTS = {  # where iterated reconstructions end
    "on the data": "#FFFFFF",
    "at a spurious attractor": "#CC79A7",
    "escaped": "#56B4E9",
    "still moving": "#BBBBBB",
}
FLOOR = 1e-3  # where a share of 0 is drawn

FIGURE = Figure(
    section=PAPER,
    shows=("C8",),
    paper=(
        "(a) the spiral's field, fine near the curve and wild away from it; (b) a sketch of how a "
        "chain that leaves the data may end in a spurious attractor"
    ),
    caption=(
        "(a) Under the authors' recipe the field is fine near the curve and overshoots outside it; "
        "under the same architecture solved for it is fine everywhere. Arrows are scaled per "
        "panel. (b) Where iterated reconstructions from each place end: white on the data, pink at "
        "a spurious attractor (crosses), blue outside a box three times as wide, grey still moving "
        "after 400 steps; with the first of 200 chains from the data that ends off them, if one "
        "does. (c) The share of starts in the window (a coarser grid) that do not reach the data, "
        "over the error of the field, by model and seed. Grey dots are other trainings: with fresh "
        "noise, rare large noise or walkback, short or long, separate and conditioned ones; null "
        "models are, from the left, a kernel density estimate, a fitted Gaussian with r(x) = x, "
        "and an untrained network"
    ),
    deviations=(
        "the paper sketches a trapped chain in (b); ours shows where each place of the window "
        "ends, and a real chain if one is lost",
        "the median seed is shown",
        "(c) is not in the paper",
    ),
    scope=OfPaper(with_recipe),
    reads=READS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw field and basins of both models, and shares of lost starts over the error."""
    arrays = read_arrays(inputs["arrays"])
    table = pd.read_csv(inputs["attractors"])
    names = [name for name in COLUMNS if f"basin_{name}" in arrays]
    size = (style.PAGE, 2.35 * (len(names) or 1) + 0.9)
    figure, axes = style.subplots(len(names) or 1, 3, figsize=size, squeeze=False)
    for row, name in zip(axes, names, strict=False):
        label, color = ROWS[name]
        flow, window = arrays[f"arrows_0_{name}"], arrays["window_0"]
        draw_window(row[0], window, flow, arrays["points"], color)
        text = rf"(a) {label},{chr(10)}$\sigma = {arrays['sigma']:g}$"
        row[0].set_title(text, loc="left", fontsize=7)
        _draw_basins(row[1], arrays, name)
        share = (arrays[f"basin_{name}"] != 0).mean()
        row[1].set_title(f"(b) {100 * share:.2g} % do not reach the data", loc="left", fontsize=7)
    style.label_edges(axes[:, :2], *arrays["titles"])
    for axis in axes[:, 2]:
        axis.remove()
    _draw_shares(figure.add_subplot(axes[0, 0].get_gridspec()[:, 2]), table)
    style.common_legend(figure, 3)
    style.save(figure, outputs)


def _draw_basins(axis: style.Axes, arrays: dict[str, np.ndarray], name: str) -> None:
    """Draw where each place ends, the data, the attractors and a lost chain."""
    from matplotlib.colors import ListedColormap

    window, basin = arrays["window_0"], arrays[f"basin_{name}"]
    colors = {"cmap": ListedColormap([*SORTS.values()]), "vmin": -0.5, "vmax": 3.5}
    axis.imshow(basin.T, origin="lower", extent=window.ravel(), **colors)
    axis.plot(*arrays["points"].T, ".", color="#E69F00", markersize=1, markeredgewidth=0)
    for sort, (label, color) in enumerate(SORTS.items()):
        look = {"markerfacecolor": color, "markeredgecolor": "0.5", "markersize": 6}
        if (basin == sort).any():
            axis.plot([], [], "s", label=label, **look)
    if len(rest := arrays[f"rest_{name}"]):
        axis.plot(*rest.T, "x", color="black", markersize=4, label="attractor")
    if len(path := arrays[f"path_{name}"]):
        axis.plot(*path.T, color="black", linewidth=0.6, label="lost chain, to its end")
        axis.plot(*path[-1:].T, "o", color="black", markersize=5, markeredgecolor="white")
    style.look_at(axis, window)


def _draw_shares(axis: style.Axes, table: pd.DataFrame) -> None:
    """Draw the share of starts that miss the data over the error, a dot per model and seed."""
    lost = table[["spurious", "escaped", "moving"]].sum(axis=1).clip(lower=FLOOR)
    axis.set(xscale="log", yscale="log", ylim=(0.6 * FLOOR, 1.3))
    null = table["model"].isin(BASELINES)
    others = ~null & ~table["model"].isin(["exact", *ROWS])
    axis.plot(table["error"][null], lost[null], "+", color="black", label="null models")
    axis.plot(table["error"][others], lost[others], ".", color="0.6", label="other trainings")
    for (name, (label, color)), marker in zip(ROWS.items(), style.MARKERS[1:], strict=False):
        mine = table["model"].eq(name)
        if mine.any():
            look = {"color": color, "markersize": 4, "label": label}
            axis.plot(table["error"][mine], lost[mine], marker, **look)
    ticks = [FLOOR, 1e-2, 1e-1, 1]
    axis.set_yticks(ticks, ["none", "1 %", "10 %", "all"])
    axis.set_yticks([], minor=True)
    axis.set_xlabel("squared relative error of r(x) − x")
    axis.set_title("(c)", loc="left", fontsize=7)
    axis.set_ylabel("starts that do not reach the data")
