"""How far chains end from the density, by the noise level of the field that drives them."""

import numpy as np
import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure
from autoscore.figures.style import FLOOR, MODELS

DISTANCES = {"kl": "KL of cells (nats)", "mmd2": "squared MMD", "mean_log_p": "mean log p"}

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="how far chains end from the density: bias at large, estimation error at small sigma",
    scope=Charted("distances from the density by noise level"),
    reads=RUNS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw every distance over sigma for a plan's runs, beside those of ``best_possible``."""
    table = pd.read_csv(inputs["diagnostics"])
    shown = table["plan"].isin([settings["plan"], "best_possible"]) & (table["sigma"] > 0)
    runs = table[shown].copy()
    runs["model"] = runs["model"].fillna("exact")
    runs = runs.replace(-np.inf, np.nan)  # a draw where p is 0
    names = [name for name in DISTANCES if runs[name].notna().any()]
    figure, axes = style.grid(len(names), len(names), 0.0, 2.4)
    for axis, name in zip(axes.flat, names, strict=True):
        _draw_panel(axis, runs, name)
    style.common_legend(figure, 4)
    style.save(figure, outputs)


def _draw_panel(axis: style.Axes, runs: pd.DataFrame, name: str) -> None:
    yscale = "log" if name == "kl" else "linear"
    axis.set(xscale="log", yscale=yscale, xlabel=style.SIGMA, ylabel=DISTANCES[name])
    for (model, sampler), rows in runs.groupby(["model", "sampler"], sort=False):
        look = dict(MODELS.get(model, MODELS["combined"] | {"label": model}))
        label = "best possible" if model == "exact" else look["label"]
        look["linestyle"] = ":" if sampler == "flow" else "-"
        look["label"] = f"{label}, {'flow' if sampler == 'flow' else 'MALA'}"
        style.mean_and_range(axis, rows, "sigma", name, markersize=3, **look)
    axis.axhline(runs[f"{name}_floor"].mean(), label="independent draws", **FLOOR)
    if name == "kl" and runs["kl_kde"].notna().any():
        axis.axhline(runs["kl_kde"].mean(), linestyle="--", label="kernel density", **FLOOR)
    style.mark_levels(axis, runs["sigma"])
