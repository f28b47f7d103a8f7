"""The two-dimensional field as pictures show it: arrows, norms, fixed points, profiles."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.densities.curves import Curve
from autoscore.fields import Field
from autoscore.geometry.direction import beside_curve, direction_table
from autoscore.geometry.fixed_points import find_fixed_points
from autoscore.geometry.helmholtz import curl_map
from autoscore.geometry.hessian import tangent_table
from autoscore.geometry.reconstruction import judge
from autoscore.geometry.summary import window_of
from autoscore.geometry.windows import grid_points

ARROWS = 30  # along each side of a window, as in the paper
PIXELS = 100  # of a map, along each side
STARTS = 24  # of Newton's iteration, along each side
BINS = 16  # of distance from a curve
TANGENTS = 300  # points along a curve


def picture(
    density: Density,
    fields: Mapping[str, Field],
    x: np.ndarray,
    shown: dict,
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return what the figures of a plane show of each field.

    Parameters
    ----------
    density
        Target with d = 2.
    fields
        Fields by name.
    x
        Draws from the density, ``(m, 2)``.
    shown
        ``windows``, each (centre 1, centre 2, half-width), or none for one around the data.

    Returns
    -------
    arrays, fixed_points
        ``sigma``; ``points``; ``window_k`` (2, 2) and, for each field, ``arrows_k_name``, r - x,
        (30, 30, 2);
        ``map`` (2, 2), its window, ``norm_name`` and ``curl_name``, and ``log_p``, all on a grid
        of it. A row for each fixed point in the map's window: the field, and what
        `autoscore.geometry.fixed_points.find_fixed_points` and `judge` say of it.
    """
    around = window_of(x)
    windows = [np.array([[a - h, a + h], [b - h, b + h]]) for a, b, h in shown["windows"]]
    sigma = fields["exact"].sigma
    arrays = {"sigma": np.array(sigma), "points": x, "map": around}
    for k, window in enumerate(windows or [around]):
        arrays[f"window_{k}"] = window
        places = grid_points(window, ARROWS)
        for name, field in fields.items():
            arrays[f"arrows_{k}_{name}"] = (field(places) - places).reshape(ARROWS, ARROWS, 2)
    pixels = grid_points(around, PIXELS)
    smoothed = density.smoothed(sigma)
    arrays["log_p"] = smoothed.log_prob(pixels).reshape(PIXELS, PIXELS)
    tables = []
    for name, field in fields.items():
        arrays[f"norm_{name}"] = np.sqrt(field.reconstruction_error(pixels)).reshape(PIXELS, -1)
        arrays[f"curl_{name}"] = curl_map(field, around, PIXELS)
        found = find_fixed_points(field, around, STARTS)
        judged = judge(field, smoothed, found[["x1", "x2"]].to_numpy(copy=True), x)
        tables.append(pd.concat([found, judged], axis=1).assign(field=name))
    return arrays, pd.concat(tables, ignore_index=True)


def profile_table(
    density: Density, fields: Mapping[str, Field], rng: np.random.Generator
) -> pd.DataFrame:
    """Return the direction by distance from a curve, and the tangent along it; else nothing.

    Columns: ``profile`` (``direction`` or ``tangent``), and those of
    `autoscore.geometry.direction.direction_table` and
    `autoscore.geometry.hessian.tangent_table`.
    """
    if not isinstance(density, Curve):
        return pd.DataFrame()
    farthest = 0.25 * np.ptp(density.bounds, axis=1).min()
    edges = np.linspace(0.0, farthest, BINS + 1)
    x = beside_curve(density, 0.5 * (edges[1:] + edges[:-1]), 400, rng)
    direction = direction_table(fields, density, x, edges)
    low, high = density.interval
    t = low + (high - low) * (np.arange(TANGENTS) + 0.5) / TANGENTS
    tangent = tangent_table(fields, density, t)
    parts = [direction.assign(profile="direction"), tangent.assign(profile="tangent")]
    return pd.concat(parts, ignore_index=True)
