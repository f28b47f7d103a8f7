"""Spurious maxima: how many chains from far away end where there is no data (C8)."""

import pandas as pd

from autoscore.figures.declaration import SAMPLING, Figure, Probed
from autoscore.figures.style import COLUMN, MARKERS, SIZES, mark_levels, mean_and_range, save, subplots, title

LINES = ("-", "--", ":")  # the second and the third for models beyond the colours

FIGURE = Figure(
    section=SAMPLING,
    shows=("C8",),
    caption="spurious attractors far from the data, and which training removes them",
    scope=Probed(),
    reads={"far_starts": "results/sample/{density}_far_starts.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the share of lost chains over sigma, a line a kind of training.

    Parameters
    ----------
    inputs
        ``far_starts`` of one density.
    outputs
        Files to write.
    settings
        Not used.
    """
    table = pd.read_csv(inputs["far_starts"])
    table["model"] = table["model"].astype(object).fillna("exact optimum")
    figure, axis = subplots(figsize=(1.3 * COLUMN, 2.6))
    axis.set(xscale="log", xlabel=r"noise level $\sigma$")
    looks = ((line, *look) for line in LINES for look in zip(SIZES, MARKERS, strict=True))
    for model, (line, colour, marker) in zip(table["model"].unique(), looks, strict=False):
        look = {"color": colour, "marker": marker, "linestyle": line, "markersize": 4}
        look["label"] = title(model)
        mean_and_range(axis, table[table["model"] == model], "sigma", "lost", **look)
    axis.set_ylim(bottom=0.0)
    mark_levels(axis, table["sigma"])
    axis.set_ylabel("chains that end where\nthere is no data")
    if len(table):
        axis.legend(fontsize=6, frameon=False)
    save(figure, outputs)
