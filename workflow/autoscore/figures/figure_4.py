"""The paper's figure 4: both score estimates close in on the score as sigma falls."""

import numpy as np

from autoscore.figures import style
from autoscore.figures.declaration import PAPER, Figure, OfPaper, needing
from autoscore.figures.figure_3 import frame
from autoscore.figures.style import BEST, NAMES, TRUTH
from autoscore.files.storage import read_arrays

SIGMAS = np.exp(-4.6 * np.array([0, 25, 40, 60]) / 99)  # these frames of the authors' film

FIGURE = Figure(
    section=PAPER,
    shows=("T1", "T2", "C1"),
    paper=(
        "(r - x) / sigma^2 of the best contractive and of the best denoising auto-encoder, both "
        "without a parametrisation, over the score; sigma 1.00, 0.31, 0.16 and 0.06"
    ),
    caption=(
        "as sigma falls both estimates approach the score, in this window the denoising one "
        "sooner. At sigma 1 both are nearly straight lines towards the mean; in between they part, "
        "and then meet again"
    ),
    deviations=(
        "the paper solves both on its 1,000 grid points; ours are the contractive optimum on a "
        "grid twenty times as fine, second order in its step, and the denoising optimum by "
        "quadrature. What is seen differs by less than a line's width",
        "beyond the panels, at the ends of the interval, the paper's grid makes errors: at sigma "
        "0.06 its contractive estimate is 6 % off there, since it weights each step by p at its "
        "left end, and p changes by a half from point to point",
        "levels are the nearest of our noise grid: sigma differs by less than 0.001",
    ),
    scope=OfPaper(needing("three_wells")),
    reads={"curves": "results/optimum/three_wells.npz"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw two by two panels, each at the solved level nearest to the paper's."""
    curves = read_arrays(inputs["curves"])
    figure, axes = style.grid(len(SIGMAS), 2, 2.2, 0.3, sharex=True, sharey=True)
    for axis, sigma in zip(axes.flat, SIGMAS, strict=True):
        level = np.abs(np.log(curves["sigmas"] / sigma)).argmin()
        frame(axis)
        axis.plot(curves["x"], curves["score"], label="score", **TRUTH)
        for objective, look in reversed(BEST.items()):
            label = rf"{NAMES[objective]} {style.ESTIMATE}"
            axis.plot(curves["x"], curves[objective][level], label=label, **look)
        axis.set_title(rf"$\sigma = {curves['sigmas'][level]:.2f}$")
    style.label_edges(axes, "$x$", "score and estimates")
    style.common_legend(figure, 3)
    style.save(figure, outputs)
