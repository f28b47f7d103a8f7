"""What the length of a step costs: acceptance rate and effective sample size."""

import pandas as pd

from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure, density_name
from autoscore.figures.style import (
    FLOOR,
    MARKERS,
    common_legend,
    grid,
    mean_and_range,
    save,
    title,
)
from autoscore.samplers.registry import SAMPLERS

PANELS = {  # column, label and scale of the axis
    "acceptance": ("acceptance rate", "linear"),
    "ess_per_evaluation": ("effective draws\nper evaluation", "log"),
    "kl": ("KL of cells (nats)", "log"),
}
LINES = ("-", "--", "-.", ":")  # of samplers

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="acceptance rate, effective draws and distance by step; unadjusted chains are biased. "
    "The step is e in Langevin's x' = x + e s(x) + sqrt(2e) noise, and of a random walk the "
    "standard deviation of a proposal",
    scope=Charted("acceptance rate and effective sample size by step"),
    reads=RUNS,
    settings=density_name,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw acceptance rate, effective sample size and distance from the density by step."""
    table = pd.read_csv(inputs["diagnostics"])
    runs = table[(table["plan"] == settings["plan"]) & table["chains"].notna()]
    runs = runs.assign(ess_per_evaluation=runs["ess"] / runs["score_evaluations"])
    figure, axes = grid(len(PANELS), len(PANELS), 0.0, 2.6)
    for axis, (name, (label, scale)) in zip(axes.flat, PANELS.items(), strict=True):
        axis.set(xscale="log", yscale=scale, xlabel="step (of random walks: sd)", ylabel=label)
        for k, (sampler, rows) in enumerate(runs.groupby("sampler", sort=False)):
            look = {"color": SAMPLERS[sampler].color, "label": SAMPLERS[sampler].label}
            look |= {"marker": MARKERS[k % len(MARKERS)], "linestyle": LINES[k % len(LINES)]}
            mean_and_range(axis, rows, "step", name, markersize=3, **look)
    axes[0, 2].axhline(runs["kl_floor"].mean(), label="independent draws", **FLOOR)
    fields = ", ".join(runs["field"].unique())
    axes[0, 1].set_title(f"{title(settings['density'])}, {fields} score")
    common_legend(figure, 5)
    save(figure, outputs)
