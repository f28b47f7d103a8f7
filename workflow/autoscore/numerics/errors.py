"""Relative errors, constant factors, orders of convergence, intervals."""

import numpy as np

from autoscore.wording import require

FEWEST = 5  # values, below which a bootstrap interval is their range
FACTORS = ["factor", "spread", "direction", "left", *(f"quarter_{k}" for k in (1, 2, 3, 4))]


def share(part: float, whole: float) -> float:
    """Return part / whole, where 0 / 0 is NaN and anything else / 0 infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(part, whole))


def relative_error(estimate: np.ndarray, reference: np.ndarray, weights: np.ndarray) -> float:
    """Return E|estimate - reference|^2 / E|reference|^2 of vectors ``(n, d)``, weights ``(n,)``.

    It is infinite where only the reference is 0 at all points, NaN where both are. Raise
    ValueError without points.

    Examples
    --------
    >>> score = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> round(relative_error(1.1 * score, score, np.array([0.5, 0.5])), 6)
    0.01
    """
    require("a relative error", len(weights))
    difference = weights @ ((estimate - reference) ** 2).sum(-1)
    return share(difference, weights @ (reference**2).sum(-1))


def constant_factor(
    estimate: np.ndarray, reference: np.ndarray, weights: np.ndarray
) -> dict[str, float]:
    """Regress an estimate ``(n, d)`` on a reference s ``(n, d)`` at points with weights ``(n,)``.

    The result has the keys `FACTORS`. The least E|estimate - c s|^2 has the ``factor`` c. At each
    point the estimate is (c + a) s + b with b normal to s: ``spread`` is the standard deviation
    of a, weighted by |s|^2, over |c|, and ``direction`` the mean cosine, weighted alike.
    ``left`` is the least E|s - k estimate|^2 / E|s|^2 over k, what one constant factor leaves of
    the reference: m / (1 + m) with m = spread^2 + E|b|^2 / (c^2 E|s|^2), and 1 for zeros.
    ``quarter_1`` to ``quarter_4`` are c in the quarters of the points with the least to the
    largest |s|. What is 0/0 is NaN. Raise ValueError without points.
    """
    require("a constant factor", len(weights))
    along, squares = (estimate * reference).sum(-1), (reference**2).sum(-1)
    own = (estimate**2).sum(-1)
    whole, common = weights @ squares, weights @ along
    factor = share(common, whole)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.nan_to_num(along / squares)  # no weight where s is 0
        cosine = np.nan_to_num(along / np.sqrt(squares * own))  # none where the estimate is 0
    spread = np.sqrt(share(weights @ (squares * (each - factor) ** 2), whole))
    residual = weights @ ((estimate - factor * reference) ** 2).sum(-1)
    left = share(residual, weights @ own) if own.any() else 1.0
    order = np.argsort(squares, kind="stable")
    below = np.cumsum(weights[order]) - 0.5 * weights[order]
    quarter = np.minimum(4.0 * below / weights.sum(), 3).astype(int)
    sums = [np.bincount(quarter, (weights * one)[order], 4) for one in (along, squares)]
    found = [factor, share(spread, abs(factor)), share(weights @ (squares * cosine), whole)]
    found += [left, *map(share, *sums)]
    return dict(zip(FACTORS, found, strict=True))


def fitted_order(sigmas: np.ndarray, squared_errors: np.ndarray) -> float:
    """Return the exponent k of error ~ sigma^k: half the least-squares slope of the logarithms.

    Raise ValueError for fewer than two noise levels.

    Examples
    --------
    An error that falls as sigma^2, and its square as sigma^4:

    >>> sigmas = np.array([0.1, 0.2, 0.4])
    >>> round(fitted_order(sigmas, 3 * sigmas**4), 6)
    2.0
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
