"""Whether r(x) - x points to the nearest point of a curve."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from autoscore.densities.curves import Curve
from autoscore.fields import Field

CURVE_POINTS = 200_001  # so many that their spacing does not turn the way to the nearest one


def beside_curve(
    curve: Curve, distances: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Return points at given distances from points of a curve, across it.

    The nearest point of the curve may be another one, and nearer.

    Parameters
    ----------
    curve
        The curve; its parameter t is drawn uniformly.
    distances
        Shape ``(m,)``.
    n
        Points a distance.
    rng
        Draws t and the direction, uniform among those normal to the curve.

    Returns
    -------
    numpy.ndarray
        Shape ``(m n, d)``, a distance after the other.
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
    """Summarise the cosine between r(x) - x and the way to the curve by the way's length.

    Parameters
    ----------
    fields
        Fields by the names that the rows get, the exact one among them for comparison.
    curve
        The curve.
    x
        Points of shape ``(n, d)``: uniform in a window, or from `beside_curve`.
    edges
        Increasing edges of the bins of distance; points outside of them are left out.
    quantiles
        Which two quantiles of the cosine are given.

    Returns
    -------
    pandas.DataFrame
        A row for each field and each bin with points in it: ``field``; the bin's edges ``low``
        and ``high``; the number of ``points``; the mean ``distance``; the mean ``cosine``, and
        its quantiles ``cosine_low`` and ``cosine_high``.
    """
    way, parts = curve.nearest(x, CURVE_POINTS) - x, []
    distance = np.linalg.norm(way, axis=1)
    for name, field in fields.items():
        measured = pd.DataFrame({"distance": distance, "cosine": _cosine(field.move(x), way)})
        measured = measured.dropna()
        inside = pd.cut(measured["distance"], edges, include_lowest=True, labels=False)
        grouped = measured.groupby(inside)
        part = grouped.agg(points=("cosine", "size"), distance=("distance", "mean"))
        part["cosine"] = grouped["cosine"].mean()
        part["cosine_low"], part["cosine_high"] = (grouped["cosine"].quantile(q) for q in quantiles)
        bins = part.index.to_numpy().astype(int)
        part.insert(0, "high", np.asarray(edges)[bins + 1])
        part.insert(0, "low", np.asarray(edges)[bins])
        part.insert(0, "field", name)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _cosine(flow: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Return the cosine of vectors, both ``(n, d)``; NaN where one of them vanishes."""
    lengths = np.linalg.norm(way, axis=1) * np.linalg.norm(flow, axis=1)
    with np.errstate(invalid="ignore"):
        return (way * flow).sum(1) / lengths
