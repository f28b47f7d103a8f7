"""Spurious maxima: how many chains from far away end where there is no data (C8)."""

from collections.abc import Iterator
from itertools import product

import pandas as pd

from autoscore.baselines.registry import BASELINES
from autoscore.figures import style
from autoscore.figures.declaration import SAMPLING, Figure, Probed

EXACT = "exact optimum"
LINES = ("-", "--", ":")  # the second and the third for models beyond the colours
COLORS = (*style.SIZES[1:], "#D55E00", "#009E73")
SHIFT = 1.025  # factor between models, so that none hides another
TICKS = (0.0, 0.01, 0.1, 1.0)
MARKERS = ("o", "s", "D", "v", "p", "*")

FIGURE = Figure(
    section=SAMPLING,
    shows=("C8",),
    caption="spurious attractors far from the data, and which training removes them; grey: null "
    "models. Lines stand side by side at each level, so that none hides another. The check "
    "asks long trainings for .05; the scale is linear below .01",
    scope=Probed(),
    reads={"far_starts": "results/sample/{density}_far_starts.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the share of lost chains over sigma, a line per model."""
    table = pd.read_csv(inputs["far_starts"])
    table["model"] = table["model"].astype(object).fillna(EXACT)
    figure, axis = style.subplots(figsize=(1.6 * style.COLUMN, 3.0))
    axis.set(xscale="log", xlabel=style.SIGMA)
    axis.set_yscale("symlog", linthresh=0.01, linscale=0.5)
    axis.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axis.set_ylim(-0.002, 1.2)
    looks = product(LINES, zip(COLORS, MARKERS, strict=True))
    models = table.groupby("model", sort=False)
    for k, (model, rows) in enumerate(models):
        look = _look(model, rows, looks)
        aside = rows.assign(sigma=rows["sigma"] * SHIFT ** (k - len(models) / 2))
        style.mean_and_range(axis, aside, "sigma", "lost", markersize=4, **look)
    style.mark_bounds(axis, 0.05)
    style.mark_levels(axis, table["sigma"])
    axis.set_ylabel("chains that end where\nthere is no data")
    style.common_legend(figure, 3)
    style.save(figure, outputs)


def _look(model: str, rows: pd.DataFrame, looks: Iterator[tuple]) -> dict:
    """Return a model's line and label: of a trained one the next of `looks`."""
    if model == EXACT:
        return style.MODELS["exact"] | {"marker": ".", "label": EXACT, "zorder": 3}
    if model in BASELINES:
        look = style.MODELS[model] | {"color": "0.6"}
    else:
        line, (color, marker) = next(looks)
        look = {"color": color, "marker": marker, "linestyle": line, "label": style.title(model)}
    return look | {"label": f"{look['label']} ({rows['seed'].nunique()} seeds)"}
