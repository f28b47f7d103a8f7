"""r(x) against x with its arrows and fixed points, and the score read off it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import ANYTHING, LINE, Figure, Listed
from autoscore.figures.style import BEST, NAMES, TRUTH, Axes
from autoscore.files.storage import read_arrays

ARROWS = 17


def _settings(config: Mapping, density: str) -> dict:
    entry = config["densities"][density]
    at = entry["shown"]["sigma"] if "path" in entry else config["figures"]["field_sigma"]
    return {"sigma": at}


FIGURE = Figure(
    section=LINE,
    shows=("T1", "C2"),
    caption=(
        "r is a staircase; the points attract, half-way between them r(x) = x again, but it repels"
    ),
    scope=Listed((1,), ANYTHING, needs_separate=True),
    reads={
        "learned": "results/geometry/{density}.npz",
        "fixed_points": "results/geometry/{density}_fixed_points.csv",
    },
    settings=_settings,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a row per objective: reconstruction left, score estimate right.

    The trained noise level nearest to ``sigma`` is shown.
    """
    learned = read_arrays(inputs["learned"])
    level = int(np.abs(np.log(learned["sigmas"] / settings["sigma"])).argmin())
    sigma = learned["sigmas"][level]
    points = pd.read_csv(inputs["fixed_points"])
    points = points[np.isclose(points["sigma"], sigma)]
    objectives = [objective for objective in NAMES if objective in learned]
    figure, axes = style.grid(2 * len(objectives), 2, 2.3, 0.5, sharex=True)
    for (left, right), objective in zip(axes, objectives, strict=True):
        curves = learned[objective][level]
        best = learned[f"best_{objective}"][level] if f"best_{objective}" in learned else None
        _draw_reconstruction(left, learned["x"], curves, best, objective)
        _mark(left, learned["x"], curves.mean(0), points[points["objective"] == objective])
        left.set(ylabel="$r(x)$", title=rf"{NAMES[objective]}, $\sigma = {sigma:.3g}$")
        right.axhline(0.0, color="0.6", linewidth=0.6)
        if best is not None:
            right.plot(learned["x"], best / sigma**2, **TRUTH)
        look = BEST[objective] | {"linestyle": "-", "alpha": 0.7}
        right.plot(learned["x"], curves.T / sigma**2, **look)
        right.set_ylabel(style.ESTIMATE)
    for axis in axes[-1]:
        axis.set_xlabel(learned["titles"][0])
    style.common_legend(figure, 3)
    style.save(figure, outputs)


def _draw_reconstruction(
    axis: Axes, x: np.ndarray, curves: np.ndarray, best: np.ndarray | None, objective: str
) -> None:
    axis.plot(x, x, color="0.6", linewidth=0.8, label="identity")
    if best is not None:
        axis.plot(x, x + best, label=f"best {NAMES[objective]}", **TRUTH)
    look = BEST[objective] | {"linestyle": "-", "alpha": 0.7}
    axis.plot(x, (x + curves).T, label=f"learned {NAMES[objective]} (every seed)", **look)


def _mark(axis: Axes, x: np.ndarray, mean: np.ndarray, points: pd.DataFrame) -> None:
    """Draw arrows where a field moves x, and its fixed points."""
    floor = x[0] - 0.08 * (x[-1] - x[0])
    at = np.linspace(0, len(x) - 1, ARROWS + 2).astype(int)[1:-1]
    length = 0.6 * (x[at[1]] - x[at[0]]) * np.sign(mean[at])
    start = (x[at] - length / 2, np.full(len(at), floor))
    units = {"angles": "xy", "scale_units": "xy", "scale": 1}
    axis.quiver(*start, length, 0 * length, **units, width=0.005, headwidth=4, color="0.3")
    for stable, face, label in ((True, "black", "attracting"), (False, "white", "repelling")):
        at = points[points["stable"] == stable]["x"]
        axis.scatter(at, at, facecolor=face, label=f"{label} point", **style.POINT)
