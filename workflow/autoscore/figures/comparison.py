"""Samplers side by side, each run repeated, as in the authors' repository."""

import numpy as np
import pandas as pd

from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure
from autoscore.figures.style import COLUMN, FLOOR, drawable, save, subplots
from autoscore.samplers.registry import SAMPLERS

COLOR = "#0072B2"  # of all rows, which their labels tell apart

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="samplers of the authors' repository and where they start; its walk also with the "
    "determinant that it lacks; lines are medians. The exact score drives all chains, so there is "
    "no null model. The grey line, the value of independent draws, is the reference. Checks "
    "compare samplers with one another and have no bound to draw",
    scope=Charted("distances of repeated runs by sampler"),
    reads=RUNS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the divergence of each repeat by sampler, for all plans whose names begin with `plan`.

    A line marks that of independent draws.
    """
    table = pd.read_csv(inputs["diagnostics"])
    runs = table[table["plan"].str.startswith(settings["plan"]) & table["chains"].notna()]
    rows = dict(iter(runs.groupby(["sampler", "start"], sort=False)))
    labels = [f"{SAMPLERS[sampler].label}, from {start}" for sampler, start in rows]
    figure, axis = subplots(figsize=(1.6 * COLUMN, 0.3 * len(rows) + 0.9))
    axis.set_xscale("log")
    for place, part in enumerate(rows.values()):
        found, ends = part["kl"], [place - 0.3, place + 0.3]
        axis.plot(drawable(found), [place] * len(found), "o", color=COLOR, markersize=3, alpha=0.6)
        axis.plot(drawable(np.full(2, found.median())), ends, color=COLOR)
    floor = runs["kl_floor"].mean()
    axis.axvline(floor, **FLOOR)
    look = {"fontsize": 7, "color": "0.4", "ha": "center", "va": "bottom"}
    place = {"xytext": (0, 3), "textcoords": "offset points", "annotation_clip": False}
    axis.annotate("independent draws", (floor, -0.6), **place, **look)
    axis.set(xlabel=f"KL of cells (nats), {runs['n'].iloc[0]:,} draws a run")
    axis.set(yticks=range(len(rows)), yticklabels=labels)
    axis.set_ylim(len(rows) - 0.5, -0.6)
    axis.grid(axis="y", linewidth=0.3)
    save(figure, outputs)
