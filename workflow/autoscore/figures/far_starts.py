"""Spurious maxima: how many chains from far away end where there is no data (C8)."""

from itertools import product

import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import SAMPLING, Figure, Probed

LINES = ("-", "--", ":")  # the second and the third for models beyond the colours

FIGURE = Figure(
    section=SAMPLING,
    shows=("C8",),
    caption="spurious attractors far from the data, and which training removes them",
    scope=Probed(),
    reads={"far_starts": "results/sample/{density}_far_starts.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the share of lost chains over sigma, a line per model."""
    table = pd.read_csv(inputs["far_starts"])
    table["model"] = table["model"].astype(object).fillna("exact optimum")
    figure, axis = style.subplots(figsize=(1.3 * style.COLUMN, 2.6))
    axis.set(xscale="log", xlabel=style.SIGMA)
    looks = product(LINES, zip(style.SIZES, style.MARKERS, strict=True))
    for model, (line, (color, marker)) in zip(table["model"].unique(), looks, strict=False):
        look = {"color": color, "marker": marker, "linestyle": line, "markersize": 4}
        rows = table[table["model"] == model]
        style.mean_and_range(axis, rows, "sigma", "lost", label=style.title(model), **look)
    axis.set_ylim(bottom=0.0)
    style.mark_levels(axis, table["sigma"])
    axis.set_ylabel("chains that end where\nthere is no data")
    if len(table):
        axis.legend(fontsize=6)
    style.save(figure, outputs)
