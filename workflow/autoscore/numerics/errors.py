"""Relative errors, orders of convergence, intervals."""

import numpy as np

from autoscore.wording import require

FEWEST = 5  # values, below which a bootstrap interval is their range


def share(part: float, whole: float) -> float:
    """Return part / whole, where 0 / 0 is NaN and anything else / 0 infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(part, whole))


def relative_error(estimate: np.ndarray, reference: np.ndarray, weights: np.ndarray) -> float:
    """Return E|estimate - reference|^2 / E|reference|^2 of vectors ``(n, d)``, weights ``(n,)``.

    It is infinite where only the reference is 0 at all points, NaN where both are. Raise
    ValueError without points.
    """
    require("a relative error", len(weights))
    difference = weights @ ((estimate - reference) ** 2).sum(-1)
    return share(difference, weights @ (reference**2).sum(-1))


def fitted_order(sigmas: np.ndarray, squared_errors: np.ndarray) -> float:
    """Return the exponent k of error ~ sigma^k: half the least-squares slope of the logarithms.

    Raise ValueError for fewer than two noise levels.
    """
    require("an order of convergence", len(sigmas), 2)
    return float(0.5 * np.polyfit(np.log(sigmas), np.log(squared_errors), 1)[0])


def bootstrap_interval(
    values: np.ndarray, rng: np.random.Generator, level: float = 0.95, resamples: int = 10_000
) -> tuple[float, float]:
    """Return a bootstrap interval of the mean of `values`, shape ``(seeds,)``.

    Plain percentiles are too narrow for few values: resampled means lack Bessel's factor, and
    their quantiles are normal rather than Student's. The expanded percentile interval of Hesterberg
    (2015), "What teachers should know about the bootstrap", makes up for both: for normal values it
    covers the mean in 92 % of cases for 5 values (plain percentiles: 84 %) and in 94 % for 8. For
    fewer than `FEWEST` values it is their range, which for n values of a symmetric distribution
    covers the mean in 1 - 2^(1 - n) of cases. Raise ValueError without values.
    """
    require("a bootstrap interval", len(values))
    from scipy.special import ndtr, stdtrit  # a tenth of a second, which planning a run spares

    count = len(values)
    chosen = rng.integers(count, size=(resamples, count))
    tail = (1.0 - level) / 2.0
    if count > 1:
        tail = ndtr(np.sqrt(count / (count - 1)) * stdtrit(count - 1, tail))
    means = np.sort(values[chosen].mean(1))
    # without interpolation, the quantile is one of the resampled means
    low = int(tail * resamples)
    return float(means[low]), float(means[-1 - low])


def fixed_points(x: np.ndarray, displacement: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where r(x) = x by linear interpolation, and whether each of these points attracts.

    The grid x is increasing, and the displacement r(x) - x, which falls through points that
    attract; both have shape ``(n,)``.
    """
    moving = np.flatnonzero(displacement)
    sign = np.sign(displacement[moving])
    turn = np.flatnonzero(sign[:-1] * sign[1:] < 0)
    before, after = moving[turn], moving[turn + 1]
    rise = displacement[after] - displacement[before]
    crossing = x[before] - displacement[before] * (x[after] - x[before]) / rise
    # a fixed point may be a node or a stretch of nodes
    resting = 0.5 * (x[before + 1] + x[after - 1])
    return np.where(after - before > 1, resting, crossing), rise < 0
