"""The paper's figure 2: a contractive auto-encoder's stairs through three training points."""

from collections.abc import Mapping

import numpy as np

from autoscore.figures import style
from autoscore.figures.declaration import PAPER, Figure, OfPaper, needing
from autoscore.figures.field import draw_directions
from autoscore.figures.style import BEST, NAMES, OVER
from autoscore.files.storage import read_arrays

POINTS, BUMPS, VARIANT = "three_points", "three_bumps", "large_sigma"
MARGIN = 0.25  # beyond the outermost training points


def _trained(config: Mapping) -> list[str]:
    """Return the densities if all that the panels show is trained on them."""
    found = needing(POINTS, BUMPS)(config)
    trained = {name: config["densities"][name]["train"] for name in found}
    there = (
        found
        and "points" in config["densities"][POINTS]
        and VARIANT in trained[POINTS]["variants"]
        and "dae" in trained[POINTS]["models"]["separate"]
        and "rcae" in trained[BUMPS]["models"]["separate"]
    )
    return found if there else []


FIGURE = Figure(
    section=PAPER,
    shows=("T2", "C2"),
    paper=(
        "a schematic: r(x) of an auto-encoder of high capacity in one dimension climbs in stairs "
        "through three training points, for a large sigma^2 in the contractive loss; the identity "
        "dotted; arrows of r(x) - x along the bottom point to the nearest training point"
    ),
    caption=(
        "the contractive loss gives stairs if the points have some thickness (a), but not on bare "
        "points (b), where the denoising loss does (c); every seed is drawn. (a) Each point is a "
        "Gaussian of sd 0.05, and sigma is six times that: r is flat where p is large, and climbs "
        "where it is smallest, half-way. (b) At any sigma^2 the loss is zero for every r with "
        "r = x and dr/dx = 0 at the three points. It says nothing of what lies between, and seeds "
        "disagree there, and there is no best r to draw. (c) Noise visits what lies between"
    ),
    deviations=(
        "trained networks of 20 tanh units and the best reconstruction beside them, where the "
        "paper's is a sketch with unlabelled axes",
        "the paper draws one panel, for the contractive loss at the training points; that is (b), "
        "which looks different",
        "points -0.5, 0 and 0.5, 20 units and sigma 0.1 for (c) are those of the authors' "
        "one-dimensional script, which trains the denoising loss on 27 noisy points drawn once, "
        "ours on all noise; sigma 0.3 and the sd 0.05 are ours",
        "arrows have one length; they show where r of the first seed points",
    ),
    scope=OfPaper(_trained),
    reads={
        "points": f"results/geometry/{POINTS}.npz",
        "bumps": f"results/geometry/{BUMPS}.npz",
    },
    settings=lambda config, density: {"points": config["densities"][POINTS]["points"]},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw r(x) in three panels, every seed; the arrows are those of the first."""
    points, bumps = read_arrays(inputs["points"]), read_arrays(inputs["bumps"])
    large = {name: points[f"{name}_{VARIANT}"] for name in ("sigmas", "rcae")}
    panels = {  # arrays and objective by title
        "(a) thin bumps": (bumps, "rcae"),
        "(b) bare points": (large | {"x": points["x"]}, "rcae"),
        "(c) bare points": (points, "dae"),
    }
    at = np.ravel(settings["points"])
    window = np.array([at.min() - MARGIN, at.max() + MARGIN])
    figure, axes = style.grid(len(panels), 3, 2.4, 0.4, sharex=True, sharey=True)
    for axis, (title, (arrays, objective)) in zip(axes.flat, panels.items(), strict=True):
        axis.plot(window, window, ":", color="0.4", linewidth=1.0, label="identity")
        shown = (arrays["x"] >= window[0]) & (arrays["x"] <= window[1])
        _draw_stairs(axis, arrays, objective, shown)
        axis.scatter(
            at, at, facecolor="black", label="training point, centre of a bump", **style.POINT
        )
        sigma = rf"$\sigma = {arrays['sigmas'][0]:.3g}$"
        axis.set_title(f"{title}, {NAMES[objective]}, {sigma}", fontsize=7)
        axis.set(xlim=window)
        axis.locator_params(nbins=5)
    style.label_edges(axes, "$x$", "$r(x)$")
    style.common_legend(figure, 5)
    style.save(figure, outputs)


def _draw_stairs(
    axis: style.Axes, arrays: dict[str, np.ndarray], objective: str, shown: np.ndarray
) -> None:
    """Draw r(x) at the first noise level, the best one, and where r(x) - x points."""
    x, learned = arrays["x"][shown], arrays[objective][0][:, shown]
    look = BEST[objective] | {"linestyle": "-", "alpha": 0.7}
    axis.plot(x, (x + learned).T, label=f"learned {NAMES[objective]}", **look)
    if f"best_{objective}" in arrays:
        axis.plot(x, x + arrays[f"best_{objective}"][0, shown], label="best", **OVER)
    draw_directions(axis, x, learned[0])
