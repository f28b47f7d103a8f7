"""Losses on held-out points over the noise level: trained models beside baselines."""

import numpy as np
import pandas as pd

from autoscore.baselines.registry import BASELINES
from autoscore.densities.declaration import POINTS
from autoscore.figures.declaration import LINE, Figure, Listed
from autoscore.figures.style import MODELS, common_legend, grid, mean_and_range, save, title

NOT_SHOWN = ("untrained",)
LOOKS = {name: dict(baseline.look) for name, baseline in BASELINES.items() if baseline.field}
LOOKS |= {name: MODELS[name] for name in ("separate", "conditioned")}  # drawn over the baselines
PANELS = {  # column and label
    "denoising_loss": "E|r(x + e) − x|² / (σ² d)",
    "score_matching_loss": "σ² E[|s|² / 2 + div s] / d",
}
COLORS = ["#009E73", "#56B4E9", "black"]  # of variants

FIGURE = Figure(
    section=LINE,
    shows=("T1",),
    caption="how well models of your own points denoise held-out ones, beside baselines",
    scope=Listed((), POINTS),
    reads={"losses": "results/score/{density}_held_out.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the denoising loss and the score-matching loss, means and ranges over seeds."""
    table = pd.read_csv(inputs["losses"])
    table = table[table["objective"].fillna("dae") == "dae"]
    table = table[~table["model"].isin(NOT_SHOWN)]
    variants = [name for name in table["model"].unique() if name not in LOOKS]
    looks = {name: {"label": name} | look for name, look in LOOKS.items()}
    for name, color in zip(variants, COLORS, strict=False):
        looks[name] = {"color": color, "marker": "D", "label": title(name)}
    figure, axes = grid(len(PANELS), len(PANELS), 0.0, 2.9)
    for axis, (column, label) in zip(axes.flat, PANELS.items(), strict=True):
        axis.set(xscale="log", xlabel="noise level σ", ylabel=label)
        for name, look in looks.items():
            rows = table[table["model"] == name]
            mean_and_range(axis, rows, "sigma", column, markersize=3, **look)
        trained = table.loc[table["model"] != "training points", column].astype(float)
        trained = trained[np.isfinite(trained)]
        low, high = trained.min(), max(trained.max(), 0.0)
        if high > low:
            axis.set_ylim(low - 0.08 * (high - low), high + 0.12 * (high - low))
    figure.suptitle("losses on held-out points; lower is better", fontsize=8)
    common_legend(figure, 3, "lower")
    save(figure, outputs)
