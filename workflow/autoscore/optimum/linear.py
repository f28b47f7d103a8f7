"""The best linear auto-encoder, the Wiener filter: exact for a Gaussian, a floor for others."""

from dataclasses import dataclass

import numpy as np

from autoscore.fields import Field
from autoscore.wording import require


@dataclass(frozen=True)
class LinearOptimum:
    """The Wiener filter: the best affine reconstruction for a mean and a covariance.

    The mean has shape ``(d,)``; ``variances`` ``(d,)`` are the eigenvalues of the covariance, the
    largest first, and ``axes`` ``(d, d)`` its eigenvectors as columns.
    """

    mean: np.ndarray
    variances: np.ndarray
    axes: np.ndarray

    @classmethod
    def fit(cls, points: np.ndarray) -> "LinearOptimum":
        """Return the filter for the mean and covariance (divided by n) of points ``(n, d)``.

        Raise ValueError without points.
        """
        require("a mean", len(points))
        mean = points.mean(0, dtype=float)
        centred = points - mean
        variances, axes = np.linalg.eigh(centred.T @ centred / len(points))
        # a coordinate that never varies leaves rounding, down to 1e-300: processors take many
        # times as long for numbers too small for single precision
        axes[np.abs(axes) < np.finfo(float).eps] = 0.0
        return cls(mean, np.maximum(variances[::-1], 0), axes[:, ::-1])

    def __call__(self, y: np.ndarray, sigma: float) -> np.ndarray:
        """Return mean + C (C + sigma^2 I)^-1 (y - mean), shape ``(n, d)``."""
        gain = self.variances / (self.variances + sigma**2)
        return self.mean + (y - self.mean) @ self.axes * gain @ self.axes.T

    def error(self, x: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
        """Return E|r(x + e) - x|^2 over e ~ N(0, sigma^2 I), ``(k, n)``, for sigmas ``(k,)`` > 0.

        With the gains g_i and clean x ``(n, d)`` in the eigenbasis it is
        sum_i (1 - g_i)^2 (x_i - mean_i)^2 + sigma^2 g_i^2: what is lost, and the noise that is
        left. Its mean over the points that the filter was fitted to is
        sum_i v_i sigma^2 / (v_i + sigma^2).
        """
        squares = np.square((x - self.mean) @ self.axes)
        noise = np.square(sigmas)[:, None]
        gains = self.variances / (self.variances + noise)
        return (1 - gains) ** 2 @ squares.T + (noise * gains**2).sum(1, keepdims=True)

    def sample(self, count: int, rng: np.random.Generator, sigma: float = 0.0) -> np.ndarray:
        """Return draws of the Gaussian with this mean and covariance, under noise, ``(n, d)``."""
        spread = np.sqrt(self.variances + sigma**2)
        return self.mean + (rng.standard_normal((count, len(spread))) * spread) @ self.axes.T


class LinearField(Field):
    """The best linear reconstruction at one noise level, to compare others with."""

    def __init__(self, linear: LinearOptimum, sigma: float) -> None:
        self.sigma, self.dim = sigma, len(linear.mean)
        self._linear = linear

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self._linear(x, self.sigma)

    def move(self, x: np.ndarray) -> np.ndarray:
        linear, noise = self._linear, self.sigma**2
        loss = noise / (linear.variances + noise)
        return -((x - linear.mean) @ linear.axes * loss) @ linear.axes.T

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        axes, variances = self._linear.axes, self._linear.variances
        slope = axes * (variances / (variances + self.sigma**2)) @ axes.T
        return np.broadcast_to(slope, (len(x), *slope.shape))
