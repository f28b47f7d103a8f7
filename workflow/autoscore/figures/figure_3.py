"""The paper's figure 3: the density and the score of its one-dimensional example."""

import numpy as np

from autoscore.figures import style
from autoscore.figures.declaration import PAPER, Figure, OfPaper, needing
from autoscore.figures.style import TRUTH
from autoscore.files.storage import read_arrays

INTERVAL, SHOWN = (-1.5, 1.5), (-3.0, 4.0)  # of x, and of the score, as in the authors' script

FIGURE = Figure(
    section=PAPER,
    shows=("T1", "T2"),
    paper=(
        "(a) p = exp(-E) / Z and (b) its score -dE/dx, for an energy in one dimension that is a "
        "product of three parabolas, on [-1.5, 1.5]"
    ),
    caption=(
        "p has modes near 0 and 0.94, and a shoulder near -0.8, where the score falls to 0.9 and "
        "stays positive"
    ),
    deviations=(
        "1,001 grid points in place of 1,000, and the score in closed form in place of a finite "
        "difference: neither changes a pixel",
    ),
    scope=OfPaper(needing("three_wells")),
    reads={"curves": "results/optimum/three_wells.npz"},
)


def frame(axis: style.Axes) -> None:
    """Give a panel the axes of the paper's figures 3 (b) and 4."""
    axis.axhline(0.0, color="0.3", linestyle="--", linewidth=0.8, zorder=0)
    axis.set(xlim=INTERVAL, ylim=SHOWN)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw p left and the score right."""
    curves = read_arrays(inputs["curves"])
    figure, (left, right) = style.subplots(1, 2, figsize=(style.PAGE, 2.4))
    left.plot(curves["x"], np.exp(curves["log_prob"]), **TRUTH)
    left.set(xlim=INTERVAL, ylim=(0.0, None), ylabel="$p(x)$", title="(a) density")
    frame(right)
    right.plot(curves["x"], curves["score"], **TRUTH)
    right.set(ylabel=r"$-\mathrm{d}E/\mathrm{d}x$", title="(b) score")
    style.label_edges(np.array([[left, right]]), "$x$", "$p(x)$")
    style.save(figure, outputs)
