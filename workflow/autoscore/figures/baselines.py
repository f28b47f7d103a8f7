"""The clean score from samples: auto-encoders and baselines against sample size and dimension."""

import pandas as pd

from autoscore.figures.declaration import BEYOND, Figure, Shared
from autoscore.figures.style import FLOOR, common_legend, each_model, grid, mark_bounds, save, title
from autoscore.plan import compared_by_size

SHOWN = ("combined", "sliced", "kernel", "kde", "gaussian")

FIGURE = Figure(
    section=BEYOND,
    shows=("C1",),
    caption="the clean score from 100 to 100,000 points (to 10,000 in 100 dimensions), by "
    "auto-encoders and baselines, some of them null models (kernel density, fitted Gaussian, "
    "r(x) = x, whose error is 1). The true score has 0; a check "
    "asks for .1 from the combined levels",
    scope=Shared(compared_by_size),
    reads={"errors": "results/score/errors.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a panel per density: error of the clean score over the number of points."""
    errors = pd.read_csv(inputs["errors"])
    errors = errors[(errors["sigma"] == 0) & (errors["reference"] == "p")]
    densities = settings["densities"]
    figure, axes = grid(len(densities), len(densities), 0.0, 2.6, sharex=True, sharey=True)
    for axis, density in zip(axes.flat, densities, strict=True):
        axis.set(xscale="log", yscale="log", xlabel="training points", title=title(density))
        each_model(axis, errors[errors["density"] == density], SHOWN, "n", "relative_error", 4)
        axis.axhline(1.0, label="r(x) = x", zorder=0, **FLOOR)
        mark_bounds(axis, 0.1)
    axes[0, 0].set_ylabel("squared relative error")
    common_legend(figure, 4)
    save(figure, outputs)
