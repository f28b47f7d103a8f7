"""On and beside a curve: where r(x) - x points (C2), and which direction dr/dx keeps (C5)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from autoscore.densities.curves import Curve
from autoscore.fields import Field

CURVE_POINTS = 200_001  # dense enough that their spacing does not turn the way to the nearest one
BINS = 16  # of distance from the curve
BESIDE = 400  # points at each distance
TANGENTS = 300  # points along the curve
LINE, ELLIPSES = 400, 13  # points of the drawn curve, and of those where dr/dx is drawn


def beside_curve(
    curve: Curve, distances: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Return n points at each distance from random points of a curve, normal to it.

    The result has shape ``(distances n, d)``, one distance after another. Where the curve bends
    or returns, its nearest point may be another one, and nearer.
    """
    t = rng.uniform(*curve.interval, size=len(distances) * n)
    tangent = curve.velocity(t)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    across = rng.standard_normal(tangent.shape)
    across -= (across * tangent).sum(1, keepdims=True) * tangent
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return curve.point(t) + np.repeat(distances, n)[:, None] * across


def direction_table(
    fields: Mapping[str, Field],
    curve: Curve,
    x: np.ndarray,
    edges: np.ndarray,
    quantiles: tuple[float, float] = (0.05, 0.95),
) -> pd.DataFrame:
    """Summarise the cosine between r(x) - x and the way to the curve, by distance to the curve.

    A row per ``field`` and bin of distance between two `edges`, ``low`` and ``high``, with any of
    the ``points`` x ``(n, d)`` in it: their number, the mean ``distance`` and ``cosine``, and two
    quantiles of the latter, ``cosine_low`` and ``cosine_high``.
    """
    edges = np.asarray(edges)
    way, parts = curve.nearest(x, CURVE_POINTS) - x, []
    distance = np.linalg.norm(way, axis=1)
    for name, field in fields.items():
        move = field.move(x)
        with np.errstate(invalid="ignore"):
            cosine = (way * move).sum(1) / (distance * np.linalg.norm(move, axis=1))
        # on the curve, and where nothing moves, there is no cosine
        measured = pd.DataFrame({"distance": distance, "cosine": cosine}).dropna()
        inside = pd.cut(measured["distance"], edges, include_lowest=True, labels=False)
        grouped = measured.groupby(inside)
        part = grouped.agg(points=("cosine", "size"), distance=("distance", "mean"))
        part["cosine"] = grouped["cosine"].mean()
        part["cosine_low"], part["cosine_high"] = (grouped["cosine"].quantile(q) for q in quantiles)
        bins = part.index.to_numpy().astype(int)
        part.insert(0, "high", edges[bins + 1])
        part.insert(0, "low", edges[bins])
        part.insert(0, "field", name)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def tangent_table(fields: Mapping[str, Field], curve: Curve, t: np.ndarray) -> pd.DataFrame:
    """Compare the leading eigenvector of dr/dx on a curve with the curve's tangent.

    It belongs to the largest eigenvalue of the symmetric part of dr/dx, which is near 1 along a
    manifold. A row per ``field`` and parameter ``t``: that ``eigenvalue``, the ``second`` one, and
    the absolute ``cosine`` of eigenvector and tangent, NaN if both eigenvalues are the same.
    """
    x, tangent = curve.point(t), curve.velocity(t)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    parts = []
    for name, field in fields.items():
        slope = field.jacobian(x)
        values, vectors = np.linalg.eigh(0.5 * (slope + np.swapaxes(slope, 1, 2)))
        cosine = np.abs((vectors[:, :, -1] * tangent).sum(1))
        columns = {
            "field": name,
            "t": t,
            "eigenvalue": values[:, -1],
            "second": values[:, -2],
            "cosine": np.where(values[:, -1] > values[:, -2], cosine, np.nan),
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def direction_profile(
    curve: Curve, fields: Mapping[str, Field], rng: np.random.Generator
) -> pd.DataFrame:
    """Return `direction_table` at `BINS` distances, up to a quarter of the curve's extent."""
    farthest = 0.25 * np.ptp(curve.bounds, axis=1).min()
    edges = np.linspace(0.0, farthest, BINS + 1)
    x = beside_curve(curve, 0.5 * (edges[1:] + edges[:-1]), BESIDE, rng)
    return direction_table(fields, curve, x, edges)


def tangent_profile(curve: Curve, fields: Mapping[str, Field]) -> pd.DataFrame:
    """Return `tangent_table` at `TANGENTS` parameters, evenly along the curve's interval."""
    low, high = curve.interval
    t = low + (high - low) * (np.arange(TANGENTS) + 0.5) / TANGENTS
    return tangent_table(fields, curve, t)


def slopes_along(curve: Curve, fields: Mapping[str, Field]) -> dict[str, np.ndarray]:
    """Return dr/dx of each field at points on a curve in the plane that are evenly far apart.

    ``line`` ``(LINE, 2)`` is the curve; ``along`` ``(ELLIPSES, 2)`` are the points, and
    ``slope_<name>`` ``(ELLIPSES, 2, 2)`` has dr_i/dx_j at [..., i, j].
    """
    t = np.linspace(*curve.interval, CURVE_POINTS)
    length = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(curve.point(t), axis=0), axis=1)))
    shares = (np.arange(ELLIPSES) + 0.5) / ELLIPSES
    along = curve.point(np.interp(shares * length[-1], length, t))
    arrays = {"line": curve.point(np.linspace(*curve.interval, LINE)), "along": along}
    return arrays | {f"slope_{name}": field.jacobian(along) for name, field in fields.items()}
