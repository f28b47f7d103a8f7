"""The reconstruction error is not an energy (statement C2)."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.geometry.windows import uniform_points
from autoscore.wording import require


def energy_correlation(field: Field, density: Density, x: np.ndarray) -> float:
    """Return Spearman's rank correlation of |r(x) - x|^2 and -log p(x).

    It is 1 if the reconstruction error orders all points as an energy of p would, and NaN where
    there is nothing to order: fewer than two points, or one of both is the same at all of them.

    Parameters
    ----------
    field
        The reconstruction.
    density
        The target under the field's noise, ``clean.smoothed(field.sigma)``.
    x
        Points of shape ``(n, d)``.
    """
    error, log_density = field.reconstruction_error(x), density.log_prob(x)
    if any((values == values[:1]).all() for values in (error, log_density)):
        return np.nan
    return float(spearmanr(error, -log_density).statistic)


def local_correlations(
    field: Field,
    density: Density,
    centres: np.ndarray,
    rng: np.random.Generator,
    n: int = 200,
    radius: float = 0.5,
) -> np.ndarray:
    """Return `energy_correlation` around points: near 1 at a mode, and below 0 at a source.

    Parameters
    ----------
    field, density
        As for `energy_correlation`.
    centres
        Shape ``(k, d)``.
    rng
        Draws the n points around each, uniformly in a box.
    n, radius
        Their number, and half of the box's side in units of sigma.

    Returns
    -------
    numpy.ndarray
        Shape ``(k,)``.
    """
    reach = radius * field.sigma * np.array([-1.0, 1.0])
    boxes = centres[:, :, None] + reach
    around = [uniform_points(box, n, rng) for box in boxes]
    return np.array([energy_correlation(field, density, x) for x in around])


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

    Raises
    ------
    ValueError
        If there are no points of the data.
    """
    require("a quantile of the data", len(data))
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
