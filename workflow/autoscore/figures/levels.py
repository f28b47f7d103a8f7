"""How far chains end from the density, by the noise level of the field that drives them."""

import numpy as np
import pandas as pd

from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure
from autoscore.figures.style import Axes, MODELS, PAGE, common_legend, mark_levels, mean_and_range, save, subplots

MEASURES = {"kl": "KL of cells (nats)", "mmd2": "squared MMD", "mean_log_p": "mean log p"}

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption=(
        "how far chains end from the density, over sigma; bias at large, estimation error at "
        "small noise"
    ),
    scope=Charted("distances from the density by noise level"),
    reads=RUNS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw every measure over sigma, with the floor of independent draws.

    Parameters
    ----------
    inputs
        ``diagnostics`` of one density.
    outputs
        Files to write.
    settings
        ``plan``, whose runs are shown, beside those of a plan called ``best_possible``.
    """
    table = pd.read_csv(inputs["diagnostics"])
    shown = table["plan"].isin([settings["plan"], "best_possible"]) & (table["sigma"] > 0)
    runs = table[shown].copy()
    runs["model"] = runs["model"].fillna("exact")
    runs = runs.replace(-np.inf, np.nan)  # a draw where p is 0
    measures = [name for name in MEASURES if runs[name].notna().any()]
    figure, axes = subplots(1, len(measures), figsize=(PAGE, 2.4), squeeze=False)
    for axis, name in zip(axes.flat, measures, strict=True):
        _draw_measure(axis, runs, name)
    common_legend(figure, 4)
    save(figure, outputs)


def _draw_measure(axis: Axes, runs: pd.DataFrame, name: str) -> None:
    yscale = "log" if name == "kl" else "linear"
    axis.set(xscale="log", yscale=yscale, xlabel=r"noise level $\sigma$", ylabel=MEASURES[name])
    for (model, sampler), some in runs.groupby(["model", "sampler"], sort=False):
        look = dict(MODELS.get(model, MODELS["combined"] | {"label": model}))
        name_of_model = look.pop("label")
        label = "best possible" if model == "exact" else name_of_model
        look["linestyle"] = ":" if sampler == "flow" else "-"
        label += ", flow" if sampler == "flow" else ", MALA"
        mean_and_range(axis, some, "sigma", name, markersize=3, label=label, **look)
    floor = runs[f"{name}_floor"].mean()
    axis.axhline(floor, color="0.5", linewidth=0.8, label="independent draws")
    if name == "kl" and runs["kl_kde"].notna().any():
        level = runs["kl_kde"].mean()
        axis.axhline(level, color="0.5", linestyle="--", linewidth=0.8, label="kernel density")
    mark_levels(axis, runs["sigma"])
