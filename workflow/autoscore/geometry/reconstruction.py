"""The reconstruction error is not an energy (statement C2)."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.geometry.fixed_points import positions
from autoscore.geometry.windows import uniform_points


def energy_correlation(field: Field, density: Density, x: np.ndarray) -> float:
    """Return Spearman's rank correlation of |r(x) - x|^2 and -log p(x).

    It is 1 if the reconstruction error orders all points as an energy of p would.

    Parameters
    ----------
    field
        The reconstruction.
    density
        The target under the field's noise, ``clean.smoothed(field.sigma)``.
    x
        Points of shape ``(n, d)``.
    """
    return float(spearmanr(field.reconstruction_error(x), -density.log_prob(x)).statistic)


def correlation_table(
    field: Field,
    density: Density,
    window: np.ndarray,
    fixed: pd.DataFrame,
    n: int,
    rng: np.random.Generator,
    radius: float = 1.0,
) -> pd.DataFrame:
    """Return rank correlations over a window and around the fixed points of each kind.

    Parameters
    ----------
    field, density
        As for `energy_correlation`.
    window
        Shape ``(d, 2)``: where points are drawn uniformly.
    fixed
        What `autoscore.geometry.fixed_points.find_fixed_points` returned.
    n
        Points in the window, and around each fixed point.
    rng
        Draws the points.
    radius
        Half of the side of the box around each fixed point in which points are drawn uniformly,
        in units of sigma.

    Returns
    -------
    pandas.DataFrame
        A row for the window and one for each kind of fixed point: ``where``, ``window`` or the
        kind; ``centres``, how many of them there are (1 for the window); the mean
        ``correlation`` over them, each with its own points; the ``lowest`` and the ``highest``.
    """
    found = {"window": [energy_correlation(field, density, uniform_points(window, n, rng))]}
    for kind, centre in zip(fixed["kind"], positions(fixed), strict=True):
        box = centre[:, None] + radius * field.sigma * np.array([-1.0, 1.0])
        near = energy_correlation(field, density, uniform_points(box, n, rng))
        found.setdefault(kind, []).append(near)
    rows = [
        {
            "where": where,
            "centres": len(values),
            "correlation": np.mean(values),
            "lowest": np.min(values),
            "highest": np.max(values),
        }
        for where, values in found.items()
    ]
    return pd.DataFrame(rows)


def judge(
    field: Field,
    density: Density,
    x: np.ndarray,
    data: np.ndarray,
    error_quantile: float = 0.5,
    density_quantile: float = 0.01,
) -> pd.DataFrame:
    """Say which points reconstruct as well as data do, and which lie where data hardly ever do.

    Parameters
    ----------
    field, density
        As for `energy_correlation`.
    x
        Points to judge, shape ``(n, d)``: fixed points, or draws from a window.
    data
        Points of the data, shape ``(m, d)``, which set both thresholds.
    error_quantile
        The reconstruction error is low below this quantile of the data's.
    density_quantile
        The density is low below this quantile of the data's.

    Returns
    -------
    pandas.DataFrame
        A row a point: ``reconstruction_error`` and ``log_density``, and whether they are low,
        ``low_error`` and ``low_density``.
    """
    error, log_density = field.reconstruction_error(x), density.log_prob(x)
    error_bound = np.quantile(field.reconstruction_error(data), error_quantile)
    density_bound = np.quantile(density.log_prob(data), density_quantile)
    return pd.DataFrame(
        {
            "reconstruction_error": error,
            "log_density": log_density,
            "low_error": error < error_bound,
            "low_density": log_density < density_bound,
        }
    )


def low_error_sources(
    field: Field,
    density: Density,
    fixed: pd.DataFrame,
    data: np.ndarray,
    error_quantile: float = 0.5,
    density_quantile: float = 0.01,
) -> int:
    """Return the number of sources where reconstruction error and density are both low.

    Parameters
    ----------
    fixed
        What `autoscore.geometry.fixed_points.find_fixed_points` returned.
    field, density, data, error_quantile, density_quantile
        As for `judge`.
    """
    sources = positions(fixed[fixed["kind"] == "source"])
    if not len(sources):
        return 0
    judged = judge(field, density, sources, data, error_quantile, density_quantile)
    return int((judged["low_error"] & judged["low_density"]).sum())
