"""How far r moves each point, and where it moves none: sinks, saddles, sources (C2)."""

import numpy as np
import pandas as pd

from autoscore.figures.declaration import ANYTHING, Figure, Listed, PLANE
from autoscore.figures.style import Axes, AxesImage, FIELDS, MODELS, PAGE, common_legend, look_at, proportion, save, subplots
from autoscore.files.storage import read_arrays

DEEP = 15.0  # nats below its highest at which a density is drawn like none
SMALLEST = 1e-6  # of the longest move: shorter ones are drawn like it
KINDS = {  # of fixed points: marker and colour
    "sink": ("o", "#0072B2"),
    "saddle": ("D", "#E69F00"),
    "source": ("^", "#D55E00"),
}

FIGURE = Figure(
    section=PLANE,
    shows=("C2",),
    caption=(
        "the norm of r(x) - x vanishes at modes, at saddles and at sources between modes, so "
        "it is no energy; a learned field breaks a curve of rest into many sinks and saddles"
    ),
    scope=Listed((2,), ANYTHING),
    reads={
        "arrays": "results/geometry/{density}.npz",
        "fixed_points": "results/geometry/{density}_fixed_points.csv",
    },
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw -log p_sigma and the norm of r(x) - x of each field; a row for each window.

    Parameters
    ----------
    inputs
        ``arrays`` and ``fixed_points``: what `autoscore.geometry.plane` returned.
    outputs
        Files to write.
    settings
        Not used.
    """
    arrays, fixed = read_arrays(inputs["arrays"]), pd.read_csv(inputs["fixed_points"])
    fixed = fixed[fixed["seed"].fillna(0) == 0]  # as all else that is drawn
    names = [name for name in FIELDS if f"norm_0_{name}" in arrays]
    windows = [key for key in arrays if key.startswith("map_")]
    width, rows = PAGE / (1 + len(names)), len(windows)
    height = width * sum(proportion(arrays[key]) for key in windows)
    figure, axes = subplots(rows, 1 + len(names), figsize=(PAGE, height + 1.2), squeeze=False)
    shades = [_draw_density(row[0], arrays, k) for k, row in enumerate(axes)]
    scale = _scale(arrays, names, rows)
    for k, row in enumerate(axes):
        for axis, name in zip(row[1:], names, strict=True):
            image = _draw_norm(axis, arrays, k, name, scale)
            _mark(axis, fixed[fixed["field"] == name])
            axis.tick_params(labelleft=False)
        row[0].set_ylabel(arrays["titles"][1])
        for axis in row:
            look_at(axis, arrays[f"map_{k}"])
    axes[0, 0].set_title(f"density, σ = {arrays['sigma']:.3g}")
    for axis, name in zip(axes[0, 1:], names, strict=True):
        axis.set_title(MODELS[name]["label"])
    for axis in axes[-1]:
        axis.set_xlabel(arrays["titles"][0])
    bar = figure.colorbar(shades[0], ax=axes[:, 0], location="bottom", shrink=0.9)
    bar.set_label(f"−log p, up to {DEEP:g} above its least", fontsize=7)
    bar = figure.colorbar(image, ax=axes[:, 1:], location="bottom", shrink=0.5)
    bar.set_label("|r(x) − x|", fontsize=7)
    common_legend(figure, 3)
    save(figure, outputs)


def _scale(arrays: dict[str, np.ndarray], names: list[str], rows: int) -> "LogNorm":
    """Return shades for the moves of the exact field, and for half of every panel at least."""
    from matplotlib.colors import LogNorm

    exact = np.stack([arrays[f"norm_{k}_exact"] for k in range(rows)])
    middles = [np.median(arrays[f"norm_{k}_{name}"]) for k in range(rows) for name in names]
    high = max(exact.max(), *middles) or 1.0  # if nothing moves, nothing is dark
    low = max(np.quantile(exact, 0.02), SMALLEST * high)
    return LogNorm(min(low, 0.5 * high, *(middle for middle in middles if middle > 0)), high)


def _draw_density(axis: Axes, arrays: dict[str, np.ndarray], k: int) -> AxesImage:
    highest = max(part.max() for name, part in arrays.items() if name.startswith("log_p_"))
    depth = np.minimum(highest - arrays[f"log_p_{k}"].T, DEEP)
    extent = arrays[f"map_{k}"].ravel()
    return axis.imshow(
        depth, origin="lower", extent=extent, cmap="viridis", aspect="auto", vmin=0, vmax=DEEP
    )


def _draw_norm(
    axis: Axes, arrays: dict[str, np.ndarray], k: int, name: str, scale: "LogNorm"
) -> AxesImage:
    return axis.imshow(
        np.maximum(arrays[f"norm_{k}_{name}"].T, scale.vmin),
        origin="lower", extent=arrays[f"map_{k}"].ravel(), cmap="Greys", norm=scale, aspect="auto",
    )  # fmt: skip


def _mark(axis: Axes, fixed: pd.DataFrame) -> None:
    """Mark the fixed points of one field, by their kinds."""
    for kind, (marker, colour) in KINDS.items():
        some = fixed[fixed["kind"] == kind]
        axis.plot(
            some["x1"], some["x2"], marker, color=colour, markersize=4, markeredgecolor="white",
            markeredgewidth=0.4, label=f"{kind}s",
        )  # fmt: skip
