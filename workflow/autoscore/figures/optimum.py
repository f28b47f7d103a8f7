"""The score estimates of both exact optima over the score, a panel per noise level."""

import numpy as np

from autoscore.figures import style
from autoscore.figures.declaration import LINE, Figure, Listed
from autoscore.figures.density import visible
from autoscore.figures.style import BEST, NAMES, TRUTH
from autoscore.files.storage import read_arrays
from autoscore.numerics.grids import noise_levels

FIGURE = Figure(
    section=LINE,
    shows=("T1", "T2"),
    caption="(r - x) / sigma^2 of both optima closes in on the score as sigma falls, tails last",
    scope=Listed((1,)),
    reads={"curves": "results/optimum/{density}.npz"},
    settings=lambda config, density: {"panel_sigmas": config["figures"]["panel_sigmas"]},
)


def draw_level(axis: style.Axes, curves: dict[str, np.ndarray], level: int) -> list:
    """Draw the score and both estimates at one solved level; return the estimates' lines."""
    shown = visible(curves)
    x = curves["x"][shown]
    axis.plot(x, curves["score"][shown], label="score", **TRUTH)
    lines = [
        axis.plot(x, curves[objective][level, shown], label=f"best {NAMES[objective]}", **look)[0]
        for objective, look in BEST.items()
    ]
    axis.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)
    return lines


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a panel per solved level nearest to ``panel_sigmas``, from much noise to little."""
    curves = read_arrays(inputs["curves"])
    wanted = noise_levels(settings["panel_sigmas"])[::-1]
    levels = list(dict.fromkeys(int(np.abs(curves["sigmas"] - sigma).argmin()) for sigma in wanted))
    shape = {"sharex": True, "sharey": True}
    figure, axes = style.grid(len(levels), min(3, len(levels)), 1.9, 0.4, **shape)
    for axis, level in zip(axes.flat, levels, strict=False):
        draw_level(axis, curves, level)
        axis.set_title(rf"$\sigma = {curves['sigmas'][level]:.3g}$")
    style.label_edges(axes, "$x$", style.ESTIMATE)
    style.common_legend(figure, 3)
    style.save(figure, outputs)
