"""The clean score from samples: auto-encoders and baselines against sample size and dimension."""

import pandas as pd

from autoscore.figures.declaration import BEYOND, Figure, Shared
from autoscore.figures.style import MODELS, PAGE, common_legend, mean_and_range, save, subplots, title
from autoscore.plan import compared_by_size

SHOWN = ("combined", "sliced", "kernel", "kde")

FIGURE = Figure(
    section=BEYOND,
    shows=("C1",),
    caption=(
        "the clean score from 100 to 100,000 points in 2, 10 and 100 dimensions, by auto- "
        "encoders and others"
    ),
    scope=Shared(compared_by_size),
    reads={"errors": "results/score/errors.csv"},
    settings=lambda config, density: {"densities": compared_by_size(config)},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a panel a target: error of the clean score over the number of points.

    Parameters
    ----------
    inputs
        ``errors``: the table of all score errors.
    outputs
        Files to write.
    settings
        ``densities``: the targets on which sample sizes are compared.
    """
    errors = pd.read_csv(inputs["errors"])
    errors = errors[(errors["sigma"] == 0) & (errors["reference"] == "p")]
    densities = settings["densities"]
    figure, axes = subplots(
        1, len(densities), figsize=(PAGE, 2.6), sharex=True, sharey=True, squeeze=False
    )
    for axis, density in zip(axes.flat, densities, strict=True):
        axis.set(xscale="log", yscale="log", xlabel="training points", ylabel="")
        for model in SHOWN:
            some = errors[(errors["density"] == density) & (errors["model"] == model)]
            if len(some):
                mean_and_range(axis, some, "n", "relative_error", markersize=4, **MODELS[model])
        axis.set_title(title(density))
    axes[0, 0].set_ylabel("squared relative error")
    common_legend(figure, len(SHOWN))
    save(figure, outputs)
