"""What the length of a step costs: acceptance rate and effective sample size."""

import pandas as pd

from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure
from autoscore.figures.style import PAGE, common_legend, mean_and_range, save, subplots
from autoscore.samplers.registry import SAMPLERS

MEASURES = {
    "acceptance": "acceptance rate",
    "ess_per_evaluation": "effective draws\nper evaluation",
    "kl": "KL of cells (nats)",
}

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="acceptance rate, effective draws and distance by step; what is not adjusted is biased",
    scope=Charted("acceptance rate and effective sample size by step"),
    reads=RUNS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw acceptance rate, effective sample size and distance from the density by step.

    Parameters
    ----------
    inputs
        ``diagnostics`` of one density.
    outputs
        Files to write.
    settings
        ``plan``, whose runs are shown.
    """
    table = pd.read_csv(inputs["diagnostics"])
    runs = table[table["plan"] == settings["plan"]]
    runs = runs.assign(ess_per_evaluation=runs["ess"] / runs["score_evaluations"])
    figure, axes = subplots(1, len(MEASURES), figsize=(PAGE, 2.4))
    for axis, scale in zip(axes, ("linear", "log", "log"), strict=True):
        axis.set(xscale="log", yscale=scale, xlabel="step")
    for axis, (name, text) in zip(axes, MEASURES.items(), strict=True):
        for sampler, some in runs.groupby("sampler", sort=False):
            label, colour = SAMPLERS[sampler].label, SAMPLERS[sampler].colour
            look = {"color": colour, "marker": "o", "markersize": 3, "label": label}
            mean_and_range(axis, some, "step", name, **look)
        axis.set_ylabel(text)
    axes[2].axhline(runs["kl_floor"].mean(), color="0.5", linewidth=0.8, label="independent draws")
    common_legend(figure, 5)
    save(figure, outputs)
