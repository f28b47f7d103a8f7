"""The score estimates of both exact optima as the noise falls, as an animated GIF."""

import numpy as np

from autoscore.figures.density import visible
from autoscore.figures.optimum import draw_level
from autoscore.figures.declaration import Figure, LINE, Listed, its_speed
from autoscore.figures.style import Artist, BEST, animate, subplots
from autoscore.files.storage import read_arrays

FIGURE = Figure(
    section=LINE,
    shows=("T1", "T2"),
    caption="the frames of the figure of both optima, one per noise level, as sigma falls",
    scope=Listed((1,)),
    reads={"curves": "results/optimum/{density}.npz"},
    settings=its_speed,
    formats=("gif",),
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw one frame a noise level, from the largest to the smallest.

    Parameters
    ----------
    inputs
        ``curves``: arrays of `autoscore.optimum.curves.optimum_curves`.
    outputs
        ``gif``: the file to write.
    settings
        ``frames_per_second``.
    """
    curves = read_arrays(inputs["curves"])
    shown = visible(curves)
    figure, axis = subplots(figsize=(4.8, 3.2))
    lines = draw_level(axis, curves, 0)
    axis.set_xlabel("$x$")
    axis.set_ylabel(r"$(r(x) - x)/\sigma^2$")
    axis.legend(loc="upper right", ncols=3)
    reach = 1.35 * np.abs(curves["score"][shown]).max()
    axis.set_ylim(-reach, reach)
    levels = np.arange(len(curves["sigmas"]))[::-1]

    def show(frame: int) -> list[Artist]:
        for line, objective in zip(lines, BEST, strict=True):
            line.set_ydata(curves[objective][levels[frame], shown])
        return [*lines, axis.set_title(f"σ = {curves['sigmas'][levels[frame]]:.3f}")]

    animate(figure, show, len(levels), outputs["gif"], settings["frames_per_second"])
