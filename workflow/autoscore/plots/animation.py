"""The score estimates of both exact optima as the noise falls, as an animated GIF."""

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from autoscore.plots.density import visible
from autoscore.plots.optimum import draw_level
from autoscore.plots.style import BEST
from autoscore.storage import read_arrays, write_atomically

LAST_FRAME = 2000  # milliseconds for which the smallest noise level stays


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
    figure, axis = plt.subplots(figsize=(4.8, 3.2), dpi=110)
    lines = draw_level(axis, curves, 0)
    axis.set_xlabel("$x$")
    axis.set_ylabel(r"$(r(x) - x)/\sigma^2$")
    axis.legend(loc="upper right", ncols=3)
    reach = 1.35 * np.abs(curves["score"][shown]).max()
    axis.set_ylim(-reach, reach)
    axis.set_title(r"$\sigma$")
    figure.canvas.draw()
    figure.set_layout_engine("none")  # laid out once: frames must not move
    frames = []
    for level in range(len(curves["sigmas"]))[::-1]:
        for line, objective in zip(lines, BEST, strict=True):
            line.set_ydata(curves[objective][level, shown])
        axis.set_title(rf"$\sigma = {curves['sigmas'][level]:.3f}$")
        figure.canvas.draw()
        frame = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
        frames.append(frame.quantize(32))
    durations = [round(1000 / settings["frames_per_second"])] * (len(frames) - 1) + [LAST_FRAME]
    write_atomically(
        outputs["gif"],
        lambda path: frames[0].save(
            path, save_all=True, append_images=frames[1:], duration=durations, loop=0
        ),
    )
    plt.close(figure)
