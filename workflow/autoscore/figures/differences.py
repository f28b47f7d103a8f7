"""Energy differences from a score alone: what more nodes on the path are worth (C6)."""

import pandas as pd

from autoscore.figures.declaration import SAMPLING, Figure, Probed
from autoscore.figures.style import (
    PAGE,
    Axes,
    common_legend,
    drawable,
    mark_bounds,
    model_look,
    save,
    subplots,
)

COLORS = ["#D55E00", "#E69F00", "#CC79A7", "#56B4E9", "#0072B2", "#009E73", "#000000", "#882255"]
MARKERS = ["X", "v", "^", "D", "o", "P", ".", "s"]
BOUNDS = (0.001, 0.1)  # of three nodes' error, by the exact score and by a learned one

FIGURE = Figure(
    section=SAMPLING,
    shows=("C6",),
    caption="three nodes on a path are as good as exact differences, 20 even points nearly; one "
    "point is not. Left: the exact score; beside it a learned one, in means over seeds, and null "
    "models with the most nodes. Checks bound the error of three nodes, by .001 and by .1. Where a "
    "path has a way around, in two or more dimensions, a third panel has path dependence, every "
    "seed; fields that are gradients (the identity, a fitted Gaussian) have none",
    scope=Probed(),
    reads={"differences": "results/sample/{density}_differences.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the error of acceptance probabilities by length of step, and path dependence."""
    table = pd.read_csv(inputs["differences"])
    fields = table[table["field"] == "learned"]
    sigma = fields["sigma"].min()
    fields = fields[fields["sigma"] == sigma]
    model = fields["model"].iloc[0]  # null models follow
    learned = fields[fields["model"] == model]
    has_paths = (learned["path_gap"] > 0).any()  # on a line there is but one
    figure, axes = subplots(1, 3 if has_paths else 2, figsize=(PAGE, 2.7))
    for axis in axes:
        axis.set(xscale="log", yscale="log", xlabel="length of step", ylabel="error of acceptance")
    _draw_rules(axes[0], table[table["field"] == "exact"])
    _draw_rules(axes[1], learned)
    for axis, bound in zip(axes, BOUNDS, strict=False):
        mark_bounds(axis, bound)
    finest = fields[_of(fields, "gauss", fields["nodes"].max())]
    for name in dict.fromkeys(finest["model"]):
        rows, look = finest[finest["model"] == name], model_look(name) | {"markersize": 2.5}
        if name != model:
            mean = rows.groupby("length")["acceptance_error"].mean()
            axes[1].plot(mean.index, drawable(mean), **look)
        if has_paths and name in (model, "untrained"):
            axes[2].plot(rows["length"], drawable(rows["path_gap"]), **look | {"linestyle": ""})
    label = model_look(model)["label"]
    titles = ("exact score", f"{label}, σ = {sigma:g}", f"path dependence, σ = {sigma:g}")
    for axis, title in zip(axes, titles, strict=False):
        axis.set_title(title, fontsize=7)
    if has_paths:
        axes[2].set_ylabel("median |straight − around| (nats)", fontsize=7)
    common_legend(figure, 4)
    save(figure, outputs)


def _draw_rules(axis: Axes, table: pd.DataFrame) -> None:
    """Draw one field's mean error by each rule, from one point upwards."""
    rules = table.groupby(["rule", "nodes"], sort=False)
    for ((rule, nodes), rows), color, marker in zip(rules, COLORS, MARKERS, strict=False):
        label = {0: "one point", 1: "1 node"}.get(nodes, f"{nodes} nodes")
        look = {"color": color, "marker": marker, "markersize": 2.5}
        if rule == "even":
            label = f"{nodes} even points"
            look |= {"linestyle": "--"}
        mean = rows.groupby("length")["acceptance_error"].mean()
        axis.plot(mean.index, drawable(mean), label=label, markeredgewidth=0, **look)


def _of(table: pd.DataFrame, rule: str, nodes: int) -> pd.Series:
    return (table["rule"] == rule) & (table["nodes"] == nodes)
