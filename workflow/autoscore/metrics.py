"""Rulers: errors, orders of convergence, intervals."""

import numpy as np


def relative_error(estimate: np.ndarray, reference: np.ndarray, weights: np.ndarray) -> float:
    """Return E|estimate - reference|^2 / E|reference|^2, a squared relative error.

    Parameters
    ----------
    estimate, reference
        Vectors at the same points, shape ``(n, d)``.
    weights
        Shape ``(n,)``: the measure under which both expectations are taken.
    """
    difference = weights @ ((estimate - reference) ** 2).sum(-1)
    return float(difference / (weights @ (reference**2).sum(-1)))


def fitted_order(sigmas: np.ndarray, squared_errors: np.ndarray) -> float:
    """Return the exponent k of error ~ sigma^k, by least squares in the logarithms.

    The errors are squared ones, so k is half the slope that their logarithms show.
    """
    return float(0.5 * np.polyfit(np.log(sigmas), np.log(squared_errors), 1)[0])


def bootstrap_interval(
    values: np.ndarray, rng: np.random.Generator, level: float = 0.95, resamples: int = 10_000
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of `values`, shape ``(seeds,)``."""
    chosen = rng.integers(len(values), size=(resamples, len(values)))
    low, high = np.quantile(values[chosen].mean(1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def fixed_points(x: np.ndarray, displacement: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where r(x) = x on a one-dimensional grid, and which of these points attract.

    Parameters
    ----------
    x
        Increasing grid, shape ``(n,)``.
    displacement
        r(x) - x on the grid, shape ``(n,)``.

    Returns
    -------
    points, stable
        Linearly interpolated zeros, and whether the displacement falls through them.
    """
    moving = np.flatnonzero(displacement)
    sign = np.sign(displacement[moving])
    turn = np.flatnonzero(sign[:-1] * sign[1:] < 0)
    before, after = moving[turn], moving[turn + 1]
    rise = displacement[after] - displacement[before]
    crossing = x[before] - displacement[before] * (x[after] - x[before]) / rise
    # a fixed point may be a node itself, or a stretch of them
    resting = 0.5 * (x[before + 1] + x[after - 1])
    return np.where(after - before > 1, resting, crossing), rise < 0
