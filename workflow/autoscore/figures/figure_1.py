"""The paper's figure 1: r follows a manifold and ignores what leaves it."""

from collections.abc import Mapping

import numpy as np

from autoscore.figures import style
from autoscore.figures.declaration import PAPER, Figure, OfPaper
from autoscore.figures.style import FIELDS, MODELS
from autoscore.files.storage import read_arrays

CURVES = ("sine", "spiral")  # the first that is there is drawn
CIRCLE = np.linspace(0.0, 2.0 * np.pi, 61)
SIZE = 0.46  # radius of the circles, as a share of the distance between two of them


def _curve(config: Mapping) -> list[str]:
    kinds = {name: entry.get("kind") for name, entry in config["densities"].items()}
    return [name for name in CURVES if kinds.get(name) == "curve"][:1]


FIGURE = Figure(
    section=PAPER,
    shows=("C5",),
    paper=(
        "a schematic: a curve on which data lie; the reconstruction stays sensitive to changes "
        "along it, which it needs to tell data apart, and becomes insensitive to changes across"
    ),
    caption=(
        "dr/dx turns circles around points of a curve (grey) into ellipses (filled) that are as "
        "long as before along the curve and nearly gone across. Where the curve bends within the "
        "noise even the best r keeps a little of what is across, and trained models keep more. "
        "No null model is drawn; r(x) = x would leave the circles as they are"
    ),
    deviations=(
        "curve, sigma and models are ours, since the paper's sketch has none: the best denoising "
        "auto-encoder, one conditioned on sigma, and separate ones; of trained ones the first seed",
        "the paper draws directions, ours the images of circles, which say how much of each "
        "direction is kept",
    ),
    scope=OfPaper(_curve),
    reads=lambda config: {"arrays": f"results/geometry/{(_curve(config) or CURVES)[0]}.npz"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a panel per field: the curve, its points, circles and their images."""
    arrays = read_arrays(inputs["arrays"])
    names = [name for name in FIELDS if f"slope_{name}" in arrays]
    along = arrays["along"]
    radius = SIZE * np.linalg.norm(np.diff(along, axis=0), axis=1).min()
    circle = radius * np.stack([np.cos(CIRCLE), np.sin(CIRCLE)])
    figure, axes = style.grid(len(names), len(names), 3.6, 0.5, sharex=True, sharey=True)
    for axis, name in zip(axes.flat, names, strict=True):
        color = MODELS[name]["color"]
        axis.plot(*arrays["line"].T, color="#E69F00", linewidth=0.8, zorder=0)
        for place, slope in zip(along, arrays[f"slope_{name}"], strict=True):
            axis.plot(*(place[:, None] + circle), color="0.6", linewidth=0.8)
            axis.fill(*(place[:, None] + slope @ circle), color=color, linewidth=1.5)
        axis.set(title=MODELS[name]["label"], aspect="equal")
    style.label_edges(axes, *arrays["titles"])
    figure.suptitle(f"circles and their images under dr/dx, σ = {arrays['sigma']:g}", fontsize=8)
    style.save(figure, outputs)
