"""The two-dimensional field as pictures show it: arrows, norms, fixed points, profiles."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.densities.curves import Curve
from autoscore.fields import Field
from autoscore.geometry.direction import beside_curve, direction_table
from autoscore.geometry.fixed_points import find_fixed_points, positions
from autoscore.geometry.helmholtz import curl_map
from autoscore.geometry.hessian import tangent_table
from autoscore.geometry.reconstruction import judge, local_correlations
from autoscore.geometry.windows import grid_points

ARROWS = 30  # along each side of a window, as in the paper
PIXELS = 80  # of a map, along each side
STARTS = 20  # of Newton's iteration, along each side
BINS = 16  # of distance from a curve
TANGENTS = 300  # points along a curve


def arrows(
    fields: Mapping[str, Field], x: np.ndarray, windows: list[np.ndarray]
) -> dict[str, np.ndarray]:
    """Return r(x) - x of each field on grids over windows.

    Parameters
    ----------
    fields
        Fields by name, ``exact`` among them.
    x
        Draws from the density, ``(m, 2)``.
    windows
        Shape ``(2, 2)`` each.

    Returns
    -------
    dict
        ``sigma``; ``points``; ``window_k`` (2, 2) and, for each field, ``arrows_k_name``,
        (30, 30, 2).
    """
    arrays = {"sigma": np.array(fields["exact"].sigma), "points": x}
    for k, window in enumerate(windows):
        arrays[f"window_{k}"] = window
        places = grid_points(window, ARROWS)
        for name, field in fields.items():
            arrays[f"arrows_{k}_{name}"] = field.move(places).reshape(ARROWS, ARROWS, 2)
    return arrays


def maps(
    density: Density, fields: Mapping[str, Field], windows: list[np.ndarray]
) -> dict[str, np.ndarray]:
    """Return each field's norm and curl on grids over windows.

    Parameters
    ----------
    density
        Target with d = 2.
    fields, windows
        As for `arrows`.

    Returns
    -------
    dict
        ``map_k`` (2, 2), a window; ``log_p_k`` under the noise, and ``norm_k_name`` and
        ``curl_k_name`` of each field, all on a grid of it.
    """
    arrays, smoothed = {}, density.smoothed(fields["exact"].sigma)
    for k, window in enumerate(windows):
        pixels = grid_points(window, PIXELS)
        arrays[f"map_{k}"] = window
        arrays[f"log_p_{k}"] = smoothed.log_prob(pixels).reshape(PIXELS, PIXELS)
        for name, field in fields.items():
            norm = np.sqrt(field.reconstruction_error(pixels))
            arrays[f"norm_{k}_{name}"] = norm.reshape(PIXELS, PIXELS)
            arrays[f"curl_{k}_{name}"] = curl_map(field, window, PIXELS)
    return arrays


def judged_points(
    density: Density,
    fields: Mapping[str, Field],
    x: np.ndarray,
    windows: list[np.ndarray],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return a row for each fixed point of each field in the windows of `maps`.

    Columns: ``field``; what `autoscore.geometry.fixed_points.find_fixed_points` and
    `autoscore.geometry.reconstruction.judge` say of it; and, of the exact field's sources, what
    `autoscore.geometry.reconstruction.local_correlations` says, ``local_correlation``.
    """
    tables = []
    for name, field in fields.items():
        parts = [find_fixed_points(field, window, STARTS) for window in windows]
        found = pd.concat(parts, ignore_index=True)
        places, smoothed = positions(found), density.smoothed(field.sigma)
        judged = judge(field, smoothed, places, x)
        # a learned field's sources may be errors of its own, and hundreds
        sources = np.flatnonzero((found["kind"] == "source") & (name == "exact"))
        around = local_correlations(field, smoothed, places[sources], rng)
        judged["local_correlation"] = pd.Series(around, sources, float)
        tables.append(pd.concat([found, judged], axis=1).assign(field=name))
    return pd.concat(tables, ignore_index=True)


def direction_profile(
    curve: Curve, fields: Mapping[str, Field], rng: np.random.Generator
) -> pd.DataFrame:
    """Return `autoscore.geometry.direction.direction_table` beside a curve."""
    farthest = 0.25 * np.ptp(curve.bounds, axis=1).min()
    edges = np.linspace(0.0, farthest, BINS + 1)
    x = beside_curve(curve, 0.5 * (edges[1:] + edges[:-1]), 400, rng)
    return direction_table(fields, curve, x, edges)


def tangent_profile(curve: Curve, fields: Mapping[str, Field]) -> pd.DataFrame:
    """Return `autoscore.geometry.hessian.tangent_table` along a curve."""
    low, high = curve.interval
    t = low + (high - low) * (np.arange(TANGENTS) + 0.5) / TANGENTS
    return tangent_table(fields, curve, t)
