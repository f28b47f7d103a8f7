"""Fields that a reader moves: one-dimensional curves and arrows in the plane, by noise level.

Numbers are rounded to 16 bits, relative to the largest of each curve or grid, and packed as text.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from autoscore.figures.style import BEST, FIELDS, MODELS, NAMES
from autoscore.files.storage import read_arrays
from autoscore.report.words import most_points

POINTS = 301  # of a curve; grids come as they are
FULL = 32767  # the largest integer of 16 bits
SHOWN = 250  # data points
NEGLIGIBLE = 5.0  # nats below its maximum, where p's score is not shown


def explored(
    fields: Sequence[str], optima: Sequence[str], densities: Mapping[str, Mapping]
) -> dict[str, dict]:
    """Return what the page's sliders show, under ``lines`` and ``planes``, by density.

    `fields` are files of the stage `geometry`, `optima` of the stage `optimum`, each named after
    its density; `densities` are the configuration's entries. A density without fields at several
    noise levels is left out.
    """
    found: dict[str, dict] = {"lines": {}, "planes": {}}
    scores = {Path(file).stem: file for file in optima}
    for file in fields:
        name, arrays = Path(file).stem, read_arrays(file)
        trained = {"trained": most_points(densities[name])}
        if "grid_sigmas" in arrays:
            found["planes"][name] = _plane(arrays) | trained
        elif "best_dae" in arrays and len(arrays["sigmas"]) > 1:
            optimum = read_arrays(scores[name]) if name in scores else None
            found["lines"][name] = _line(arrays, optimum) | trained
    return found


def _line(arrays: Mapping[str, np.ndarray], optimum: Mapping[str, np.ndarray] | None) -> dict:
    """Return r(x) - x by level, of the best and of trained auto-encoders, and the score of p.

    Without an optimum, or where p is negligible, there is no score (``known``: from, to).
    """
    x = np.linspace(arrays["x"][0], arrays["x"][-1], POINTS)
    series = []
    for kind in (kind for kind in NAMES if kind in arrays):
        color = BEST[kind]["color"]
        for word, moves in (
            ("best", arrays.get(f"best_{kind}")),
            ("trained", arrays[kind].mean(1)),
        ):
            if moves is not None:
                levels = [packed(np.interp(x, arrays["x"], level)) for level in moves]
                label = f"{word} {NAMES[kind]}"
                series.append({"label": label, "color": color, "levels": levels})
    found = {"x": [float(x[0]), float(x[-1])], "sigmas": arrays["sigmas"].tolist()}
    return found | {"series": series, "score": _score(x, optimum) if optimum else None}


def _score(x: np.ndarray, optimum: Mapping[str, np.ndarray]) -> dict:
    """Return the score of p where p is not negligible: between two points of the grid x."""
    at, log_p = optimum["x"], optimum["log_prob"]
    there = at[log_p > log_p.max() - NEGLIGIBLE]
    first, last = np.searchsorted(x, there[0]), np.searchsorted(x, there[-1], "right")
    score = np.interp(x[first:last], at, optimum["score"])
    p, size = np.exp(log_p - log_p.max()), np.abs(optimum["score"])
    typical = np.sqrt(np.average(size**2, weights=p))  # walls are steep, and would squash the rest
    return packed(score) | {"first": int(first), "typical": float(typical)}


def _plane(arrays: Mapping[str, np.ndarray]) -> dict:
    """Return r(x) - x on a grid by level, and some of the data."""
    names = [name for name in FIELDS if f"grid_{name}" in arrays]
    return {
        "window": arrays["grid_window"].tolist(),
        "size": int(arrays["grid_exact"].shape[1]),
        "sigmas": arrays["grid_sigmas"].tolist(),
        "points": np.round(arrays["points"][:SHOWN], 4).tolist(),
        "fields": {
            name: {
                "label": MODELS[name]["label"],
                "levels": [packed(level) for level in arrays[f"grid_{name}"]],
            }
            for name in names
        },
    }


def packed(values: np.ndarray) -> dict:
    """Return an array as base64 of 16-bit integers, little-endian, and what one of them is."""
    largest = float(np.abs(values).max()) or 1.0
    whole = np.round(values / largest * FULL).astype("<i2")
    return {"unit": largest / FULL, "data": base64.b64encode(whole.tobytes()).decode()}
