"""Arrows of r(x) - x around the data: exact beside learned (C1; the paper's pictures)."""

import numpy as np

from autoscore.figures.declaration import ANYTHING, Figure, Listed, PLANE
from autoscore.figures.style import Axes, FIELDS, MODELS, PAGE, look_at, proportion, save, subplots
from autoscore.files.storage import read_arrays

FIGURE = Figure(
    section=PLANE,
    shows=("C1",),
    caption=(
        "r(x) - x points to the manifold; sources lie half-way between its arms; learned "
        "fields agree near the data and not far from them"
    ),
    scope=Listed((2,), ANYTHING),
    reads={"arrays": "results/geometry/{density}.npz"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a row a window and a column a field.

    Parameters
    ----------
    inputs
        ``arrays``: what `autoscore.geometry.plane` returned.
    outputs
        Files to write.
    settings
        Not used.
    """
    arrays = read_arrays(inputs["arrays"])
    windows = [key for key in arrays if key.startswith("window_")]
    names = [name for name in FIELDS if f"arrows_0_{name}" in arrays]
    shapes = [proportion(arrays[key]) for key in windows]
    # labels take of a low panel what a square one can spare
    size = (
        PAGE,
        PAGE / len(names) * sum(shapes) + 0.4 + sum(max(0.0, 1.0 - part) for part in shapes),
    )
    figure, axes = subplots(len(windows), len(names), figsize=size, squeeze=False)
    for row, key in zip(axes, windows, strict=True):
        for axis, name in zip(row, names, strict=True):
            _draw_window(axis, arrays, key, name)
        row[0].set_ylabel(arrays["titles"][1])
    for axis, name in zip(axes[0], names, strict=True):
        axis.set_title(MODELS[name]["label"])
    for axis in axes[-1]:
        axis.set_xlabel(arrays["titles"][0])
    figure.suptitle(
        f"r(x) − x of the denoising auto-encoder, σ = {arrays['sigma']:.3g}; "
        "lengths within a panel",
        fontsize=8,
    )
    save(figure, outputs)


def _draw_window(axis: Axes, arrays: dict[str, np.ndarray], key: str, name: str) -> None:
    """Draw the arrows of one field in one window, the longest of every panel equally long."""
    window = arrays[key]
    flow = arrays[f"arrows_{key.removeprefix('window_')}_{name}"]
    n = len(flow)
    x1, x2 = np.meshgrid(*(np.linspace(*side, n) for side in window), indexing="ij")
    # in parts of the panel, as its axes may have different scales
    part = np.linalg.norm(flow / np.ptp(window, axis=1), axis=-1)
    longest = max(np.quantile(part, 0.95) * n / 1.6, np.finfo(float).tiny)
    points = arrays["points"]
    inside = ((points > window[:, 0]) & (points < window[:, 1])).all(1)
    axis.plot(*points[inside].T, ".", color="#E69F00", markersize=1.5, zorder=0)
    axis.quiver(
        x1, x2, flow[..., 0], flow[..., 1], angles="xy", scale_units="xy", scale=longest,
        width=0.004, headwidth=4, pivot="tail", color=MODELS[name]["color"],
    )  # fmt: skip
    look_at(axis, window)
