"""The score estimates of both exact optima as the noise falls, as an animated GIF."""

import numpy as np

from autoscore.figures.declaration import LINE, Figure, Listed, animation_speed
from autoscore.figures.density import visible
from autoscore.figures.optimum import draw_level
from autoscore.figures.style import BEST, ESTIMATE, Artist, animate, subplots
from autoscore.files.storage import read_arrays

FIGURE = Figure(
    section=LINE,
    shows=("T1", "T2"),
    caption="the frames of the figure of both optima, one per noise level, as sigma falls",
    scope=Listed((1,)),
    reads={"curves": "results/optimum/{density}.npz"},
    settings=animation_speed,
    formats=("gif",),
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw one frame per noise level, from the largest to the smallest."""
    curves = read_arrays(inputs["curves"])
    shown = visible(curves)
    figure, axis = subplots(figsize=(4.8, 3.2))
    lines = draw_level(axis, curves, 0)
    axis.set(xlabel="$x$", ylabel=ESTIMATE)
    axis.legend(loc="upper right", ncols=3)
    reach = 1.35 * np.abs(curves["score"][shown]).max()
    axis.set_ylim(-reach, reach)
    levels = np.arange(len(curves["sigmas"]))[::-1]

    def show(frame: int) -> list[Artist]:
        for line, objective in zip(lines, BEST, strict=True):
            line.set_ydata(curves[objective][levels[frame], shown])
        return [*lines, axis.set_title(f"σ = {curves['sigmas'][levels[frame]]:.3f}")]

    animate(figure, show, len(levels), outputs["gif"], settings["frames_per_second"])
