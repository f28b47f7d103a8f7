"""r(x) against x with its arrows and fixed points, and the score read off it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import ANYTHING, LINE, Figure, Listed
from autoscore.figures.style import BEST, NAMES, OVER, Axes
from autoscore.files.storage import read_arrays

ARROWS = 17
SHOWN = ("exact", "separate")


def _settings(config: Mapping, density: str) -> dict:
    entry = config["densities"][density]
    at = entry["shown"]["sigma"] if "path" in entry else config["figures"]["field_sigma"]
    return {"sigma": at}


FIGURE = Figure(
    section=LINE,
    shows=("T1", "C2"),
    caption="r is a staircase; points attract; half-way between them r(x) = x again, but repels. "
    "The contractive loss has no best r on bare points: at any sigma it is zero for every r with "
    "r = x and dr/dx = 0 at them, so that its panels have no reference. Of null models, r(x) = x "
    "is drawn, where every point is fixed",
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
    points = points[np.isclose(points["sigma"], sigma) & points["model"].isin(SHOWN)]
    objectives = [objective for objective in NAMES if objective in learned]
    figure, axes = style.grid(2 * len(objectives), 2, 2.3, 0.5, sharex=True)
    for (left, right), objective in zip(axes, objectives, strict=True):
        _draw_row(left, right, learned, objective, level)
        mean = learned[objective][level].mean(0)
        _mark(left, learned["x"], mean, points[points["objective"] == objective])
        left.set(ylabel="$r(x)$", title=rf"{NAMES[objective]}, $\sigma = {sigma:.3g}$")
        right.set_ylabel(style.ESTIMATE)
    for axis in axes[-1]:
        axis.set_xlabel(learned["titles"][0])
    style.common_legend(figure, 3)
    style.save(figure, outputs)


def _draw_row(
    left: Axes, right: Axes, learned: dict[str, np.ndarray], objective: str, level: int
) -> None:
    x, curves, variance = learned["x"], learned[objective][level], learned["sigmas"][level] ** 2
    left.plot(x, x, color="0.6", linewidth=0.8, label="identity")
    right.axhline(0.0, color="0.6", linewidth=0.6)
    look = BEST[objective] | {"linestyle": "-", "alpha": 0.7}
    left.plot(x, (x + curves).T, label=f"learned {NAMES[objective]} (every seed)", **look)
    right.plot(x, curves.T / variance, **look)
    if f"best_{objective}" in learned:
        best = learned[f"best_{objective}"][level]
        left.plot(x, x + best, label=f"best {NAMES[objective]}", **OVER)
        right.plot(x, best / variance, **OVER)


def draw_directions(axis: Axes, x: np.ndarray, moves: np.ndarray) -> None:
    """Draw arrows of one length below curves over x ``(n,)``, where moves ``(n,)`` point."""
    floor = x[0] - 0.08 * (x[-1] - x[0])
    at = np.linspace(0, len(x) - 1, ARROWS + 2).astype(int)[1:-1]
    length = 0.6 * (x[at[1]] - x[at[0]]) * np.sign(moves[at])
    start = (x[at] - length / 2, np.full(len(at), floor))
    units = {"angles": "xy", "scale_units": "xy", "scale": 1}
    axis.quiver(*start, length, 0 * length, **units, width=0.005, headwidth=4, color="0.3")


def _mark(axis: Axes, x: np.ndarray, mean: np.ndarray, points: pd.DataFrame) -> None:
    """Draw arrows where a field moves x, and its fixed points."""
    draw_directions(axis, x, mean)
    for stable, face, label in ((True, "black", "attracting"), (False, "white", "repelling")):
        at = points[points["stable"] == stable]["x"]
        axis.scatter(at, at, facecolor=face, label=f"{label} point", **style.POINT)
