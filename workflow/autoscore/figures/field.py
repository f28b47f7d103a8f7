"""r(x) against x with its arrows and fixed points, and the score read off it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from autoscore.figures.declaration import ANYTHING, Figure, LINE, Listed
from autoscore.figures.style import Axes, BEST, NAMES, PAGE, TRUTH, common_legend, save, subplots
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
        "r is a staircase; the points attract, half-way between them r(x) = x again, but it "
        "repels"
    ),
    scope=Listed((1,), ANYTHING, separate=True),
    reads={
        "learned": "results/geometry/{density}.npz",
        "fixed_points": "results/geometry/{density}_fixed_points.csv",
    },
    settings=_settings,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a row an objective: the reconstruction on the left, the score estimate on the right.

    Parameters
    ----------
    inputs
        ``learned``: arrays of `autoscore.geometry.line.displacement_curves`; ``fixed_points``: its
        `fixed_point_table`.
    outputs
        Files to write.
    settings
        ``sigma``: the noise level to draw; the nearest trained one is taken.
    """
    learned = read_arrays(inputs["learned"])
    level = int(np.abs(np.log(learned["sigmas"] / settings["sigma"])).argmin())
    sigma = learned["sigmas"][level]
    points = pd.read_csv(inputs["fixed_points"])
    points = points[np.isclose(points["sigma"], sigma)]
    objectives = [objective for objective in NAMES if objective in learned]
    figure, axes = subplots(
        len(objectives), 2, sharex=True, squeeze=False, figsize=(PAGE, 2.3 * len(objectives) + 0.5)
    )
    for (left, right), objective in zip(axes, objectives, strict=True):
        mine = points[points["objective"] == objective]
        _draw_reconstruction(left, learned, objective, level, mine)
        _draw_score(right, learned, objective, level)
        left.set_title(rf"{NAMES[objective]}, $\sigma = {sigma:.3g}$")
    for axis in axes[-1]:
        axis.set_xlabel(learned["titles"][0])
    common_legend(figure, 3)
    save(figure, outputs)


def _draw_reconstruction(
    axis: Axes, learned: dict[str, np.ndarray], objective: str, level: int, points: pd.DataFrame
) -> None:
    x = learned["x"]
    axis.plot(x, x, color="0.6", linewidth=0.8, label="identity")
    if f"best_{objective}" in learned:
        axis.plot(
            x, x + learned[f"best_{objective}"][level], label=f"best {NAMES[objective]}", **TRUTH
        )
    for seed, displacement in enumerate(learned[objective][level]):
        label = f"learned {NAMES[objective]} (every seed)" if seed == 0 else None
        axis.plot(
            x, x + displacement, alpha=0.7, label=label, **BEST[objective] | {"linestyle": "-"}
        )
    mean = learned[objective][level].mean(0)
    floor = x[0] - 0.08 * (x[-1] - x[0])
    at = np.linspace(0, len(x) - 1, ARROWS + 2).astype(int)[1:-1]
    length = 0.6 * (x[at[1]] - x[at[0]]) * np.sign(mean[at])
    axis.quiver(
        x[at] - length / 2,
        np.full(len(at), floor),
        length,
        np.zeros(len(at)),
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.005,
        headwidth=4,
        color="0.3",
    )
    for stable, face, label in ((True, "black", "attracting"), (False, "white", "repelling")):
        chosen = points[points["stable"] == stable]["x"]
        axis.scatter(
            chosen,
            chosen,
            s=22,
            facecolor=face,
            edgecolor="black",
            zorder=5,
            label=f"{label} point",
        )
    axis.set_ylabel("$r(x)$")


def _draw_score(axis: Axes, learned: dict[str, np.ndarray], objective: str, level: int) -> None:
    x, sigma = learned["x"], learned["sigmas"][level]
    axis.axhline(0.0, color="0.6", linewidth=0.6)
    if f"best_{objective}" in learned:
        axis.plot(x, learned[f"best_{objective}"][level] / sigma**2, **TRUTH)
    for displacement in learned[objective][level]:
        axis.plot(x, displacement / sigma**2, alpha=0.7, **BEST[objective] | {"linestyle": "-"})
    axis.set_ylabel(r"$(r(x) - x)/\sigma^2$")
