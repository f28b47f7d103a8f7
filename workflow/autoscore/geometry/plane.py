"""The two-dimensional field as figures show it: arrows, norms, curl, fixed points."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.geometry.fixed_points import find_fixed_points, positions
from autoscore.geometry.reconstruction import compare_with_data, local_correlations
from autoscore.geometry.windows import grid_points

ARROWS = 30  # along each side of a window, as in the paper's figure 5
PIXELS = 80  # of a map, along each side
NODES = 81  # of the grids that the report lets a reader explore, along each side
STARTS = 20  # of Newton's iteration, along each side


def arrows(
    fields: Mapping[str, Field], x: np.ndarray, windows: list[np.ndarray]
) -> dict[str, np.ndarray]:
    """Return r(x) - x of each field, ``exact`` among them, on grids over windows ``(2, 2)``.

    ``sigma``; ``points``, the draws x ``(m, 2)``; ``window_k`` ``(2, 2)`` and, per field,
    ``arrows_k_name`` ``(30, 30, 2)``.
    """
    arrays = {"sigma": np.array(fields["exact"].sigma), "points": x}
    for k, window in enumerate(windows):
        arrays[f"window_{k}"] = window
        places = grid_points(window, ARROWS)
        for name, field in fields.items():
            arrays[f"arrows_{k}_{name}"] = field.move(places).reshape(ARROWS, ARROWS, 2)
    return arrays


def flows(fields: Mapping[str, Mapping[float, Field]], window: np.ndarray) -> dict[str, np.ndarray]:
    """Return r(x) - x on a grid over a window ``(2, 2)``, by the name and the level of fields.

    ``grid_window``; ``grid_sigmas``, the levels that all fields have; and, per field,
    ``grid_name`` ``(levels, 81, 81, 2)``, the first coordinate first.
    """
    sigmas = sorted(set.intersection(*(set(levels) for levels in fields.values())))
    places, shape = grid_points(window, NODES), (len(sigmas), NODES, NODES, 2)
    arrays = {"grid_window": window, "grid_sigmas": np.array(sigmas)}
    for name, levels in fields.items():
        moves = np.array([levels[sigma].move(places) for sigma in sigmas], dtype=np.float32)
        arrays[f"grid_{name}"] = moves.reshape(shape)
    return arrays


def maps(
    density: Density, fields: Mapping[str, Field], windows: list[np.ndarray]
) -> dict[str, np.ndarray]:
    """Return each field's norm and curl on grids over windows, see `arrows`.

    ``map_k`` ``(2, 2)`` is a window; on its grid, the first coordinate first, are ``log_p_k``
    under the noise and, per field, ``norm_k_name`` and ``curl_k_name``.
    """
    arrays, smoothed = {}, density.smoothed(fields["exact"].sigma)
    for k, window in enumerate(windows):
        pixels = grid_points(window, PIXELS)
        arrays[f"map_{k}"] = window
        arrays[f"log_p_{k}"] = smoothed.log_prob(pixels).reshape(PIXELS, PIXELS)
        for name, field in fields.items():
            norm = np.sqrt(field.reconstruction_error(pixels))
            arrays[f"norm_{k}_{name}"] = norm.reshape(PIXELS, PIXELS)
            arrays[f"curl_{k}_{name}"] = field.curl(pixels).reshape(PIXELS, PIXELS)
    return arrays


def fixed_points_in(
    windows: list[np.ndarray],
    smoothed: Density,
    fields: Mapping[str, Field],
    x: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return a row per ``field`` and fixed point of it in the windows of `maps`.

    Its columns are those of `autoscore.geometry.fixed_points.find_fixed_points`, and of
    `autoscore.geometry.reconstruction.compare_with_data` for the draws x ``(m, 2)`` from p, given
    p_sigma, `smoothed`; and, for
    sources of the exact field, ``local_correlation``, see
    `autoscore.geometry.reconstruction.local_correlations`.
    """
    tables = []
    for name, field in fields.items():
        parts = [find_fixed_points(field, window, STARTS) for window in windows]
        found = pd.concat(parts, ignore_index=True)
        places = positions(found)
        compared = compare_with_data(field, smoothed, places, x)
        # a learned field's sources may be errors of its own, and hundreds
        sources = np.flatnonzero((found["kind"] == "source") & (name == "exact"))
        around = local_correlations(field, smoothed, places[sources], rng)
        compared["local_correlation"] = pd.Series(around, sources, float)
        tables.append(pd.concat([found, compared], axis=1).assign(field=name))
    return pd.concat(tables, ignore_index=True)
