"""Arrows of r(x) - x around the data: exact beside learned (C1), as in the paper's figure 5."""

import numpy as np

from autoscore.figures import style
from autoscore.figures.declaration import ANYTHING, PLANE, Figure, Listed
from autoscore.figures.style import FIELDS, MODELS, PAGE, proportion
from autoscore.files.storage import read_arrays

ARROWS = {"angles": "xy", "scale_units": "xy", "pivot": "tail", "width": 0.004, "headwidth": 4}

FIGURE = Figure(
    section=PLANE,
    shows=("C1",),
    caption=(
        "r(x) - x points to the data (orange), and turns round half-way between arms of a curve "
        "or between bumps, where there are such; learned fields agree near the data and not far "
        "from them. No null model is drawn: plane_error has the fields' errors beside theirs"
    ),
    scope=Listed((2,), ANYTHING),
    reads={"arrays": "results/geometry/{density}.npz"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw a row per window and a column per field."""
    arrays = read_arrays(inputs["arrays"])
    windows = [key for key in arrays if key.startswith("window_")]
    names = [name for name in FIELDS if f"arrows_0_{name}" in arrays]
    shapes = [proportion(arrays[key]) for key in windows]
    size = (PAGE, (PAGE / len(names) - 0.35) * sum(shapes) + 0.45 * len(windows) + 0.4)
    figure, axes = style.subplots(len(windows), len(names), figsize=size, squeeze=False)
    for row, key in zip(axes, windows, strict=True):
        for axis, name in zip(row, names, strict=True):
            flow = arrays[f"arrows_{key.removeprefix('window_')}_{name}"]
            draw_window(axis, arrays[key], flow, arrays["points"], MODELS[name]["color"])
    for axis, name in zip(axes[0], names, strict=True):
        axis.set_title(MODELS[name]["label"])
    style.label_edges(axes, *arrays["titles"])
    text = f"r(x) − x of the denoising auto-encoder, σ = {arrays['sigma']:.3g}"
    figure.suptitle(f"{text}; arrows scaled per panel", fontsize=8)
    style.save(figure, outputs)


def draw_window(
    axis: style.Axes, window: np.ndarray, flow: np.ndarray, points: np.ndarray, color: str
) -> None:
    """Draw the arrows of one field in one window, the longest of every panel equally long."""
    n = len(flow)
    x1, x2 = np.meshgrid(*(np.linspace(*side, n) for side in window), indexing="ij")
    # in parts of the panel, as its axes may have different scales
    part = np.linalg.norm(flow / np.ptp(window, axis=1), axis=-1)
    longest = max(np.quantile(part, 0.95) * n / 1.6, np.finfo(float).tiny)
    inside = ((points > window[:, 0]) & (points < window[:, 1])).all(1)
    axis.plot(*points[inside].T, ".", color="#E69F00", markersize=1.5, zorder=0)
    axis.quiver(x1, x2, flow[..., 0], flow[..., 1], scale=longest, color=color, **ARROWS)
    style.look_at(axis, window)
