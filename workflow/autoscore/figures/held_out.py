"""Losses on held-out points over the noise level: what was trained beside baselines."""

import numpy as np
import pandas as pd

from autoscore.baselines.registry import BASELINES
from autoscore.densities.declaration import POINTS
from autoscore.figures.declaration import Figure, LINE, Listed
from autoscore.figures.style import MODELS, PAGE, common_legend, mean_and_range, save, subplots

LOOKS = {name: dict(baseline.look) for name, baseline in BASELINES.items() if baseline.field}
LOOKS |= {name: MODELS[name] for name in ("separate", "conditioned")}  # drawn over the baselines
PANELS = {  # column and label
    "denoising_loss": "E|r(x + e) − x|² / (σ² d)",
    "score_matching_loss": "σ² E[|s|² / 2 + div s] / d",
}
OTHER = ["#009E73", "#56B4E9", "black"]  # colours of variants

FIGURE = Figure(
    section=LINE,
    shows=("T1",),
    caption=(
        "of your own points, how well what was trained denoises points that it has not seen, "
        "beside a fitted Gaussian and a kernel density estimate"
    ),
    scope=Listed((), POINTS),
    reads={"losses": "results/score/{density}_held_out.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the denoising loss and the score-matching loss, means and ranges over seeds.

    Parameters
    ----------
    inputs
        ``losses``: what `autoscore.score.held_out.held_out_table` returned.
    outputs
        Files to write.
    settings
        ``points``: how many were held out, in words.
    """
    table = pd.read_csv(inputs["losses"])
    table = table[table["objective"].fillna("dae") == "dae"]
    others = [name for name in table["model"].unique() if name not in LOOKS]
    looks = {name: {"label": name} | look for name, look in LOOKS.items()}
    for name, colour in zip(others, OTHER, strict=False):
        looks[name] = {"color": colour, "marker": "D", "label": name.replace("_", " ")}
    figure, axes = subplots(1, len(PANELS), figsize=(PAGE, 2.9))
    for axis, (column, label) in zip(axes, PANELS.items(), strict=True):
        axis.set(xscale="log", xlabel="noise level σ", ylabel=label)
        for name, look in looks.items():
            rows = table[table["model"] == name]
            if len(rows):
                mean_and_range(axis, rows, "sigma", column, markersize=3, **look)
        trained = table[~table["model"].isin(["training points"])][column].astype(float)
        trained = trained[np.isfinite(trained)]
        low, high = trained.min(), max(trained.max(), 0.0)
        if high > low:
            axis.set_ylim(low - 0.08 * (high - low), high + 0.12 * (high - low))
    figure.suptitle("losses on held-out points; lower is better", fontsize=8)
    common_legend(figure, 3, "lower")
    save(figure, outputs)
