"""What the length of a step costs: acceptance rate and effective sample size."""

import pandas as pd

from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure
from autoscore.figures.style import FLOOR, common_legend, grid, mean_and_range, save
from autoscore.samplers.registry import SAMPLERS

PANELS = {  # column, label and scale of the axis
    "acceptance": ("acceptance rate", "linear"),
    "ess_per_evaluation": ("effective draws\nper evaluation", "log"),
    "kl": ("KL of cells (nats)", "log"),
}

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="acceptance rate, effective draws and distance by step; unadjusted chains are biased",
    scope=Charted("acceptance rate and effective sample size by step"),
    reads=RUNS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw acceptance rate, effective sample size and distance from the density by step."""
    table = pd.read_csv(inputs["diagnostics"])
    runs = table[(table["plan"] == settings["plan"]) & table["chains"].notna()]
    runs = runs.assign(ess_per_evaluation=runs["ess"] / runs["score_evaluations"])
    figure, axes = grid(len(PANELS), len(PANELS), 0.0, 2.4)
    for axis, (name, (label, scale)) in zip(axes.flat, PANELS.items(), strict=True):
        axis.set(xscale="log", yscale=scale, xlabel="step", ylabel=label)
        for sampler, rows in runs.groupby("sampler", sort=False):
            look = {"color": SAMPLERS[sampler].color, "label": SAMPLERS[sampler].label}
            mean_and_range(axis, rows, "step", name, marker="o", markersize=3, **look)
    axes[0, 2].axhline(runs["kl_floor"].mean(), label="independent draws", **FLOOR)
    common_legend(figure, 5)
    save(figure, outputs)
