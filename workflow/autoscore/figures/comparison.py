"""Samplers side by side, each run repeated, as in the authors' repository."""

import numpy as np
import pandas as pd

from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure
from autoscore.figures.style import COLUMN, FLOOR, drawable, save, subplots
from autoscore.samplers.registry import SAMPLERS

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="samplers of the authors' repository; its walk also with the determinant that it lacks",
    scope=Charted("distances of repeated runs by sampler"),
    reads=RUNS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the divergence of each repeat by sampler, for all plans whose names begin with `plan`.

    A line marks that of independent draws.
    """
    table = pd.read_csv(inputs["diagnostics"])
    runs = table[table["plan"].str.startswith(settings["plan"]) & table["chains"].notna()]
    samplers = list(dict.fromkeys(runs["sampler"]))
    figure, axis = subplots(figsize=(1.6 * COLUMN, 0.3 * len(samplers) + 0.9))
    axis.set_xscale("log")
    for place, sampler in enumerate(samplers):
        color = SAMPLERS[sampler].color
        found = runs.loc[runs["sampler"] == sampler, "kl"]
        axis.plot(drawable(found), [place] * len(found), "o", color=color, markersize=3, alpha=0.6)
        axis.plot(drawable(np.full(2, found.median())), [place - 0.3, place + 0.3], color=color)
    floor = runs["kl_floor"].mean()
    axis.axvline(floor, **FLOOR)
    look = {"fontsize": 6, "color": "0.4", "ha": "center", "va": "bottom"}
    axis.annotate("independent draws", (floor, -0.6), annotation_clip=False, **look)
    axis.set(xlabel=f"KL of cells (nats), {runs['n'].iloc[0]:,} draws a run")
    axis.set(yticks=range(len(samplers)), yticklabels=[SAMPLERS[name].label for name in samplers])
    axis.set_ylim(len(samplers) - 0.5, -0.6)
    axis.grid(axis="y", linewidth=0.3)
    save(figure, outputs)
