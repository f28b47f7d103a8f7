"""What the reconstruction error tells: no energy (C2), but the noise level (C3)."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.geometry.windows import uniform_points
from autoscore.wording import require


def energy_correlation(field: Field, density: Density, x: np.ndarray) -> float:
    """Return Spearman's rank correlation of |r(x) - x|^2 and -log p(x) at points ``(n, d)``.

    The density is the target under the field's noise, ``clean.smoothed(field.sigma)``. The result
    is 1 if the reconstruction error orders all points as an energy would, and NaN if there is
    nothing to order: fewer than two points, or one of the two is constant.
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
    """Return `energy_correlation`, ``(k,)``, around points ``(k, d)``.

    It is near 1 at a mode and below 0 at a source. The n points are uniform in a box of side
    2 radius sigma around each centre.
    """
    boxes = centres[:, :, None] + radius * field.sigma * np.array([-1.0, 1.0])
    around = [uniform_points(box, n, rng) for box in boxes]
    return np.array([energy_correlation(field, density, x) for x in around])


def compare_with_data(
    field: Field,
    density: Density,
    x: np.ndarray,
    data: np.ndarray,
    error_quantile: float = 0.5,
    density_quantile: float = 0.01,
) -> pd.DataFrame:
    """Say which points ``(n, d)`` reconstruct as well as data, and which lie where data are rare.

    A row per point: ``reconstruction_error`` and ``log_density``, and whether they are below these
    quantiles of the data's, ``low_error`` and ``low_density``. Raise ValueError without data.
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


def estimate_noise(field: Field, x: np.ndarray, noise: np.ndarray) -> pd.DataFrame:
    """Estimate the noise level from clean points under unit noise, both ``(n, d)``, in four ways.

    Let y = x + sigma e and r the posterior mean, so r(y) - y = sigma^2 s(y) with the score s of
    p_sigma. Projections are orthogonal: E|y - x|^2 = sigma^2 d = E|r(y) - x|^2 + E|r(y) - y|^2.
    Stein's identity is E|s|^2 = -E div s under p_sigma, and sigma^2 div s = tr dr/dy - d.

    - ``loss``: the training loss alone, E|r(y) - x|^2 / d = sigma^2 - sigma^4 E|s|^2 / d: right to
      first order.
    - ``loss_and_move``: (E|r(y) - x|^2 + E|r(y) - y|^2) / d, exact. Needs pairs of x and y.
    - ``divergence``: E|r(y) - y|^2 / (d - E tr dr/dy), exact. Needs the noisy points alone.
    - ``clean_divergence``: the same with x for y. Needs the clean points alone; its relative
      error is of order sigma^2, and it fails on a degenerate curve, where p has no score.

    A row per ``estimator``: the estimate ``sigma``, NaN if that of its square is not positive; its
    ``standard_error`` over the points; and the ``truth``, the field's sigma. Raise ValueError
    without points.
    """
    require("an estimate of the noise", len(x))
    y = x + field.sigma * noise
    at_noisy = field.move(y)
    loss = ((at_noisy + (y - x)) ** 2).sum(1)
    move = (at_noisy**2).sum(1)
    clean_move = (field.move(x) ** 2).sum(1)
    shrinking, clean_shrinking = (
        field.dim - np.trace(field.jacobian(points), axis1=1, axis2=2) for points in (y, x)
    )
    dims = np.full(len(x), float(field.dim))
    ratios = {
        "loss": (loss, dims),
        "loss_and_move": (loss + move, dims),
        "divergence": (move, shrinking),
        "clean_divergence": (clean_move, clean_shrinking),
    }
    rows = [
        {"estimator": name, **_root_of_ratio(*ratio), "truth": field.sigma}
        for name, ratio in ratios.items()
    ]
    return pd.DataFrame(rows)


def _root_of_ratio(above: np.ndarray, below: np.ndarray) -> dict[str, float]:
    """Return the root of a ratio of means, NaN if there is none, and its linearised error."""
    if not below.any():
        return {"sigma": np.nan, "standard_error": np.nan}
    ratio = above.mean() / below.mean()
    sigma = np.sqrt(ratio) if ratio > 0 else np.nan
    error = (above - ratio * below).std() / np.sqrt(len(above)) / abs(below.mean())
    return {"sigma": float(sigma), "standard_error": float(error / (2.0 * sigma))}


def loss_shortfall(field: Field, x: np.ndarray, noise: np.ndarray) -> float:
    """Return (sigma^2 d - loss) / E|r(y) - y|^2 at clean points under unit noise, both ``(n, d)``.

    Projections are orthogonal, see `estimate_noise`, so it is 1 for the posterior mean. It is NaN
    for r(y) = y, 2/a - 1 for r that goes the share a of the way, and small or negative for moves
    that have nothing to do with the data. The noise is used with both signs: otherwise its first
    order would drown the rest where sigma is small.
    """
    gain = move = 0.0
    for error in (field.sigma * noise, -field.sigma * noise):
        step = field.move(x + error)
        move += (step**2).sum()
        gain -= (step**2).sum() + 2.0 * (step * error).sum()  # |error|^2 - |r(y) - x|^2
    return float(gain / move) if move > 0 else np.nan
