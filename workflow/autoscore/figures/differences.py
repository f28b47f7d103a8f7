"""Energy differences from a score alone: what more nodes on the path are worth (C6)."""

import pandas as pd

from autoscore.figures.declaration import SAMPLING, Figure, Probed
from autoscore.figures.style import PAGE, common_legend, drawable, mean_and_range, save, subplots

COLORS = ["#D55E00", "#E69F00", "#CC79A7", "#56B4E9", "#0072B2", "#009E73", "#000000", "0.5"]

FIGURE = Figure(
    section=SAMPLING,
    shows=("C6",),
    caption="three nodes on a path are as good as exact differences, 20 even points nearly; one "
    "point is not",
    scope=Probed(),
    reads={"differences": "results/sample/{density}_differences.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the error of acceptance probabilities by length of step, and path dependence."""
    table = pd.read_csv(inputs["differences"])
    learned = table[table["field"] == "learned"]
    sigma = learned["sigma"].min()
    learned = learned[learned["sigma"] == sigma]
    has_paths = (learned["path_gap"] > 0).any()  # on a line there is but one
    figure, axes = subplots(1, 3 if has_paths else 2, figsize=(PAGE, 2.5))
    left, middle = axes[:2]
    for axis in axes:
        axis.set(xscale="log", yscale="log", xlabel="length of step")
    rules = table.groupby(["rule", "nodes"], sort=False).size().index  # from one point upwards
    for (rule, nodes), color in zip(rules, COLORS, strict=False):
        label = {0: "one point", 1: "1 node"}.get(nodes, f"{nodes} nodes")
        look = {"color": color, "marker": "o", "markersize": 2.5}
        if rule == "even":
            label = f"{nodes} even points"
            look |= {"linestyle": "--", "marker": "s"}
        exact = table[(table["field"] == "exact") & _of(table, rule, nodes)]
        error = drawable(exact["acceptance_error"])
        left.plot(exact["length"], error, label=label, markeredgewidth=0, **look)
        rows = learned[_of(learned, rule, nodes)]
        mean_and_range(middle, rows, "length", "acceptance_error", **look)
    left.set(ylabel="error of acceptance", title="exact score")
    middle.set(ylabel="error of acceptance", title=f"learned, σ = {sigma:g}")
    if has_paths:
        most = learned[_of(learned, "gauss", learned["nodes"].max())]
        axes[2].plot(most["length"], most["path_gap"], ".", color="#0072B2", markersize=3)
        axes[2].set(ylabel="median |straight - around| (nats)")
        axes[2].set_title(f"path dependence, σ = {sigma:g}")
    for axis in axes:
        axis.title.set_fontsize(7)
    common_legend(figure, 8)
    save(figure, outputs)


def _of(table: pd.DataFrame, rule: str, nodes: int) -> pd.Series:
    return (table["rule"] == rule) & (table["nodes"] == nodes)
