"""The paper's figure 5: the field around the spiral, by the paper's own auto-encoder."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import PAPER, Figure, OfPaper
from autoscore.figures.quiver import draw_window
from autoscore.files.storage import read_arrays

WINDOWS = (1.0, 0.3)  # half-widths, as in the paper
ROWS = {  # fields from top to bottom, and their colours
    "paper": ("authors' recipe", "#D55E00"),
    "paper_solved": ("larger weights, decoder solved for", "#0072B2"),
    "exact": ("best reconstruction", "black"),
}


def with_recipe(config: Mapping) -> list[str]:
    """Return the spiral if the paper's own recipe is trained and looked at there."""
    spiral = config["densities"].get("spiral")
    asked = spiral and spiral["shown"]["attractors"] and "paper" in spiral["train"]["variants"]
    return ["spiral"] if asked else []


READS = {
    "arrays": "results/geometry/spiral.npz",
    "attractors": "results/geometry/spiral_attractors.csv",
}
FIGURE = Figure(
    section=PAPER,
    shows=("C1", "C2"),
    paper=(
        "the spiral's points and arrows of r(x) - x for trained denoising auto-encoders, in a "
        "window around all points and in one around the centre: the field is nearly 0 on the "
        "curve, points to the nearest arm, and turns round half-way between arms"
    ),
    caption=(
        "the field of the authors' recipe has sources between arms, as the paper's, but points to "
        "the nearest arm only near it; that of the same architecture with larger encoder weights "
        "and its decoder solved for, in a second, does so except near the midline. Both see the "
        "same points and noise; below them the best reconstruction. Arrows are scaled per panel. "
        "Of each the seed with the median error is shown; titles give that error (1 for r(x) = x). "
        "No null model is drawn: plane_error has the errors of those of the spiral"
    ),
    deviations=(
        "BFGS keeps its steps in place of a matrix, and computes the units in single precision, "
        "which changes no error by more than another seed does",
        "the paper shows the nicest of several trainings, as it says; ours are the median of three "
        "seeds (recipe) and of five",
        "least squares leave the encoder as it was drawn, from weights twenty times as large as "
        "the authors'; the best reconstruction is not in the paper",
    ),
    scope=OfPaper(with_recipe),
    reads=READS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a row per field and a column per window."""
    arrays = read_arrays(inputs["arrays"])
    table = pd.read_csv(inputs["attractors"])
    names = [name for name in ROWS if f"arrows_0_{name}" in arrays]
    windows = [k for half in WINDOWS if (k := _window(arrays, half)) is not None]
    size = (0.72 * style.PAGE, 2.45 * len(names) + 0.5)
    figure, axes = style.subplots(len(names), len(windows), figsize=size, squeeze=False)
    for row, name in zip(axes, names, strict=True):
        label, color = ROWS[name]
        for axis, k in zip(row, windows, strict=True):
            flow = arrays[f"arrows_{k}_{name}"]
            draw_window(axis, arrays[f"window_{k}"], flow, arrays["points"], color)
        if name != "exact":
            label += f": {_errors(table[table['model'] == name]['error'])}"
        row[0].set_title(label, loc="left", fontsize=7)
    figure.suptitle(rf"$r(x) - x$ at $\sigma = {arrays['sigma']:g}$", fontsize=8)
    for axis, text in zip(axes[-1], "ab", strict=False):
        axis.set_xlabel(f"{arrays['titles'][0]}\n({text})")
    for axis in axes[:, 0]:
        axis.set_ylabel(arrays["titles"][1])
    style.save(figure, outputs)


def _errors(errors: pd.Series) -> str:
    """Return the seeds' squared relative errors in words."""
    low, middle, high = np.quantile(errors, [0, 0.5, 1])
    return f"error {middle:.3g} ({low:.3g} to {high:.3g}, {len(errors)} seeds)"


def _window(arrays: dict[str, np.ndarray], half: float) -> int | None:
    """Return which window has this half-width and the origin for its centre, if any."""
    k, wanted = 0, np.array([[-half, half]] * 2)
    while f"window_{k}" in arrays:
        if np.allclose(arrays[f"window_{k}"], wanted):
            return k
        k += 1
    return None
