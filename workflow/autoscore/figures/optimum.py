"""The score estimates of both exact optima over the score, a panel per noise level."""

import numpy as np

from autoscore.figures import style
from autoscore.figures.declaration import LINE, Figure, Listed
from autoscore.figures.density import visible
from autoscore.figures.style import BEST, NAMES, TRUTH
from autoscore.files.storage import read_arrays
from autoscore.numerics.grids import noise_levels

TICKS = (-100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100)  # of an axis that shows bulk and tails
CLOSE = 0.05  # a solved level that is as near to the one asked for bears its number

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
    levels = {int(np.abs(curves["sigmas"] - sigma).argmin()): sigma for sigma in wanted}
    shape = {"sharex": True, "sharey": True}
    figure, axes = style.grid(len(levels), min(3, len(levels)), 1.9, 0.4, **shape)
    for axis, (level, asked) in zip(axes.flat, levels.items(), strict=False):
        axis.set_yscale("asinh", linear_width=1)
        draw_level(axis, curves, level)
        sigma = curves["sigmas"][level]
        text = f"= {sigma:.2g}"
        if f"{sigma:.3g}" != f"{asked:.3g}" and abs(sigma / asked - 1) < CLOSE:
            text = rf"\approx {asked:g}"
        axis.set_title(rf"$\sigma {text}$")
    limits = axes[0, 0].get_ylim()  # common to all, as are the ticks
    axes[0, 0].set_yticks(TICKS, [f"{tick}".replace("-", "−") for tick in TICKS])
    axes[0, 0].set_yticks([], minor=True)
    axes[0, 0].set_ylim(limits)
    style.label_edges(axes, "$x$", style.ESTIMATE)
    style.common_legend(figure, 3)
    style.save(figure, outputs)
