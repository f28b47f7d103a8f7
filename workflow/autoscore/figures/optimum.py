"""The score estimates of both exact optima over the score, a panel a noise level."""

import numpy as np

from autoscore.numerics.grids import noise_levels
from autoscore.figures.density import visible
from autoscore.figures.declaration import Figure, LINE, Listed
from autoscore.figures.style import Axes, BEST, NAMES, PAGE, TRUTH, common_legend, save, subplots
from autoscore.files.storage import read_arrays


def draw_level(axis: Axes, curves: dict[str, np.ndarray], level: int) -> list:
    """Draw the score and both estimates of one solved level; return the estimates' lines."""
    shown = visible(curves)
    x = curves["x"][shown]
    axis.plot(x, curves["score"][shown], label="score", **TRUTH)
    lines = [
        axis.plot(x, curves[objective][level, shown], label=f"best {NAMES[objective]}", **look)[0]
        for objective, look in BEST.items()
    ]
    axis.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)
    return lines

FIGURE = Figure(
    section=LINE,
    shows=("T1", "T2"),
    caption=(
        "(r - x) / sigma^2 of both exact optima closes in on the score as sigma falls; the "
        "tails come last"
    ),
    scope=Listed((1,)),
    reads={"curves": "results/optimum/{density}.npz"},
    settings=lambda config, density: {"panel_sigmas": config["figures"]["panel_sigmas"]},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the panels, from much noise to little.

    Parameters
    ----------
    inputs
        ``curves``: arrays of `autoscore.optimum.curves.optimum_curves`.
    outputs
        Files to write.
    settings
        ``panel_sigmas``: the noise levels that get a panel.
    """
    curves = read_arrays(inputs["curves"])
    wanted = noise_levels(settings["panel_sigmas"])[::-1]
    levels = list(dict.fromkeys(int(np.abs(curves["sigmas"] - sigma).argmin()) for sigma in wanted))
    columns = min(3, len(levels))
    rows = -(-len(levels) // columns)
    figure, axes = subplots(
        rows, columns, sharex=True, sharey=True, squeeze=False, figsize=(PAGE, 1.9 * rows + 0.4)
    )
    for axis, level in zip(axes.flat, levels, strict=False):
        draw_level(axis, curves, level)
        axis.set_title(rf"$\sigma = {curves['sigmas'][level]:.3g}$")
    for axis in axes.flat[len(levels) :]:
        axis.set_axis_off()
    for axis in axes[-1]:
        axis.set_xlabel("$x$")
    for axis in axes[:, 0]:
        axis.set_ylabel(r"$(r(x) - x)/\sigma^2$")
    common_legend(figure, 3)
    save(figure, outputs)
