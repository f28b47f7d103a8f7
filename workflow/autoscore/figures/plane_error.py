"""Errors of learned fields over the noise grid, a panel a target of two or more dimensions."""

import pandas as pd

from autoscore.figures.declaration import Figure, PLANE, Shared
from autoscore.figures.style import Axes, MODELS, PAGE, common_legend, drawable, mean_and_range, save, subplots, title
from autoscore.plan import beyond_the_line

COLUMNS = 4

FIGURE = Figure(
    section=PLANE,
    shows=("T1", "C1"),
    caption=(
        "learned against exact over the noise grid for every target of two and more "
        "dimensions, a kernel density estimate of the same points, and the bias that even the "
        "best DAE has"
    ),
    scope=Shared(beyond_the_line),
    reads={"errors": "results/score/errors.csv"},
    settings=lambda config, density: {"densities": beyond_the_line(config)},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the DAE's error against the score of p_sigma (T1), and the bias beside it (C1).

    Parameters
    ----------
    inputs
        ``errors``: the table of all score errors.
    outputs
        Files to write.
    settings
        ``densities``, in the order of their panels.
    """
    errors = pd.read_csv(inputs["errors"])
    errors = errors[(errors["sigma"] > 0) & (errors["objective"] == "dae")]
    densities = settings["densities"]
    rows = -(-len(densities) // COLUMNS)
    figure, axes = subplots(
        rows, COLUMNS, figsize=(PAGE, 1.6 * rows + 0.7), sharex=True, sharey=True, squeeze=False
    )
    for axis, density in zip(axes.flat, densities, strict=False):
        _draw_panel(axis, errors[errors["density"] == density])
        axis.set_title(title(density), fontsize=7)
    for axis in axes.flat[len(densities) :]:
        axis.set_visible(False)
    for axis in axes.flat[max(0, len(densities) - COLUMNS) : len(densities)]:
        axis.set_xlabel(r"noise level $\sigma$")
        axis.tick_params(labelbottom=True)
    for axis in axes[:, 0]:
        axis.set_ylabel("squared rel. error")
    common_legend(figure, 4)
    save(figure, outputs)


def _draw_panel(axis: Axes, part: pd.DataFrame) -> None:
    axis.set(xscale="log", yscale="log", xlabel="", ylabel="", ylim=(1e-4, 3.0))
    most = part.loc[part["model"].isin(["conditioned", "separate"]), "n"].max()
    for model in ("conditioned", "separate", "kde"):
        some = part[(part["model"] == model) & (part["reference"] == "p_sigma")]
        some = some[some["n"] == most]
        if len(some):
            mean_and_range(axis, some, "sigma", "relative_error", markersize=3, **MODELS[model])
    bias = part[(part["model"] == "exact") & (part["reference"] == "p")]
    axis.plot(
        bias["sigma"], drawable(bias["relative_error"]), ".", color="0.7", markersize=3, zorder=0,
        label="bias of the best DAE",
    )  # fmt: skip
