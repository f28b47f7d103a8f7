"""How far r moves each point, and where it moves none: sinks, saddles, sources (C2)."""

from typing import Any

import numpy as np
import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import ANYTHING, PLANE, Figure, Listed
from autoscore.figures.style import FIELDS, MODELS, PAGE, proportion
from autoscore.files.storage import read_arrays

DEEP = 15.0  # nats below its highest value at which a density is drawn like 0
SMALLEST = 1e-6  # of the longest move: shorter ones are drawn like it
FLAT = 1e-8  # slowest rate, per step, below which a fixed point's kind is round-off
REST = "at rest, neither sink nor saddle"
EDGE = {"linestyle": "", "markersize": 4, "markeredgecolor": "white", "markeredgewidth": 0.4}
MARKS = {  # of fixed points
    REST: {"marker": ".", "color": "0.5"} | EDGE | {"markersize": 2.5, "markeredgewidth": 0},
    "sink": {"marker": "o", "color": "#0072B2"} | EDGE,
    "saddle": {"marker": "D", "color": "#E69F00"} | EDGE,
    "source": {"marker": "^", "color": "#D55E00"} | EDGE,
}

FIGURE = Figure(
    section=PLANE,
    shows=("C2",),
    caption=(
        "the norm of r(x) - x vanishes at modes, at saddles and at sources between modes, so "
        "it is no energy; a learned field breaks a curve of rest into many sinks and saddles. "
        "Left: -log p_sigma, of the density with noise. No null model is drawn: shape, where "
        "it is drawn, has the rank order of theirs, and plane_error their errors"
    ),
    scope=Listed((2,), ANYTHING),
    reads={
        "arrays": "results/geometry/{density}.npz",
        "fixed_points": "results/geometry/{density}_fixed_points.csv",
    },
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw -log p_sigma and the norm of r(x) - x of each field; a row per window."""
    arrays, fixed = read_arrays(inputs["arrays"]), pd.read_csv(inputs["fixed_points"])
    fixed = fixed[fixed["seed"].fillna(0) == 0]  # like everything else that is drawn
    fixed = fixed.assign(kind=fixed["kind"].mask(fixed["slowest"] < FLAT, REST))
    names = [name for name in FIELDS if f"norm_0_{name}" in arrays]
    windows = [arrays[key] for key in arrays if key.startswith("map_")]
    width, rows = PAGE / (1 + len(names)), len(windows)
    size = (PAGE, width * sum(map(proportion, windows)) + 1.2)
    figure, axes = style.subplots(rows, 1 + len(names), figsize=size, squeeze=False)
    highest = max(part.max() for name, part in arrays.items() if name.startswith("log_p_"))
    depths = {"cmap": "viridis", "vmin": 0, "vmax": DEEP}
    moves = {"cmap": "Greys", "norm": _scale(arrays, names, rows)}
    for k, (row, window) in enumerate(zip(axes, windows, strict=True)):
        options = {"origin": "lower", "extent": window.ravel(), "aspect": "auto"}
        depth = np.minimum(highest - arrays[f"log_p_{k}"].T, DEEP)
        shade = row[0].imshow(depth, **depths, **options)
        for axis, name in zip(row[1:], names, strict=True):
            norm = np.maximum(arrays[f"norm_{k}_{name}"].T, moves["norm"].vmin)
            image = axis.imshow(norm, **moves, **options)
            for kind, look in MARKS.items():
                points = fixed[(fixed["field"] == name) & (fixed["kind"] == kind)]
                if len(points):
                    label = kind if kind == REST else f"{kind}s"
                    axis.plot(points["x1"], points["x2"], label=label, **look)
            axis.tick_params(labelleft=False)
        for axis in row:
            style.look_at(axis, window)
    axes[0, 0].set_title(f"density, σ = {arrays['sigma']:.3g}")
    for axis, name in zip(axes[0, 1:], names, strict=True):
        axis.set_title(MODELS[name]["label"])
    style.label_edges(axes, *arrays["titles"])
    bar = figure.colorbar(shade, ax=axes[:, 0], location="bottom", shrink=0.9)
    bar.set_label(rf"$-\log p_\sigma$, up to {DEEP:g} above its least", fontsize=7)
    bar = figure.colorbar(image, ax=axes[:, 1:], location="bottom", shrink=0.5)
    bar.set_label("|r(x) − x|", fontsize=7)
    style.common_legend(figure, 4)
    style.save(figure, outputs)


def _scale(arrays: dict[str, np.ndarray], names: list[str], rows: int) -> Any:
    """Return shades for the moves of the exact field, and for half of every panel at least."""
    from matplotlib.colors import LogNorm

    exact = np.stack([arrays[f"norm_{k}_exact"] for k in range(rows)])
    middles = [np.median(arrays[f"norm_{k}_{name}"]) for k in range(rows) for name in names]
    high = max(exact.max(), *middles) or 1.0  # if nothing moves, nothing is dark
    low = max(np.quantile(exact, 0.02), SMALLEST * high)
    return LogNorm(min(low, 0.5 * high, *(middle for middle in middles if middle > 0)), high)
