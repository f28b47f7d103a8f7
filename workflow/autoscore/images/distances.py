"""Distances between images, in many dimensions and against many points, by matrix products.

Images are rows of shape ``(n, d)``, in single precision, which is enough: squared distances have
errors of the order of 1e-6 times the squared norms about the mean.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from autoscore.numerics.exponentials import exp_in_place, softmax_in_place
from autoscore.numerics.pairwise import Distances

ROWS = 400  # x at once: fewer slow the matrix product down, more leave the cache
CHUNK = 1 << 24  # distances at once, at most: 64 MB in single precision
BANDWIDTHS = np.logspace(-1, 0, 10)  # the grid of Goodfellow et al. 2014, for images from 0 to 1


class Prepared(Distances):
    """Points ``(m, d)`` to which distances are computed several times."""

    def __init__(self, points: np.ndarray) -> None:
        super().__init__(points, fast=True)

    def squared_distances(self, x: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of x with squared distances (chunk, m) to all points, to be overwritten."""
        for rows, distances in self.chunks(x, min(CHUNK, ROWS * len(self.points))):
            yield rows, np.maximum(distances, 0, out=distances)


def parzen_log_likelihood(
    samples: np.ndarray, points: np.ndarray, bandwidths: np.ndarray
) -> np.ndarray:
    """Return log p_h of points ``(n, d)`` by the kernel density estimate of samples ``(m, d)``.

    The result has shape ``(k, n)`` for bandwidths h ``(k,)``, the standard deviations of the
    Gaussian kernels.
    """
    result = np.empty((len(bandwidths), len(points)))
    for rows, distances in Prepared(samples).squared_distances(points):
        nearest = distances.min(1, keepdims=True)
        distances -= nearest
        for level, bandwidth in enumerate(bandwidths):
            kernels = np.multiply(distances, -0.5 / bandwidth**2)
            exp_in_place(kernels)
            result[level, rows] = np.log(kernels.sum(1)) - 0.5 * nearest[:, 0] / bandwidth**2
    scale = 0.5 * samples.shape[1] * np.log(2 * np.pi * np.square(bandwidths))
    return result - np.log(len(samples)) - scale[:, None]


def parzen_estimate(
    samples: np.ndarray, validation: np.ndarray, held_out: np.ndarray
) -> tuple[float, float, float]:
    """Return a Parzen-window log-likelihood in nats, its standard error and its bandwidth.

    This is the protocol of Breuleux, Bengio and Vincent (2011) in the form of Goodfellow et al.
    (2014): 10,000 samples, the bandwidth of `BANDWIDTHS` that is likeliest on (1,000) validation
    images, the mean over the test images. The standard error leaves out the spread between sets of
    samples. The estimate is weak: it favours blurred prototypes, and is far from the true
    log-likelihood in many dimensions (Theis, van den Oord and Bethge 2016).
    """
    bandwidth = likeliest_bandwidth(samples, validation)
    values = parzen_log_likelihood(samples, held_out, np.array([bandwidth]))[0]
    error = values.std() / np.sqrt(len(values))
    return float(values.mean()), float(error), bandwidth


def likeliest_bandwidth(samples: np.ndarray, validation: np.ndarray) -> float:
    """Return that of `BANDWIDTHS` with which kernels at the samples fit validation images best."""
    fits = parzen_log_likelihood(samples, validation, BANDWIDTHS).mean(1)
    return float(BANDWIDTHS[np.argmax(fits)])


def nearest_points(x: np.ndarray, points: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance from each x to the nearest point, and that point's index, ``(n,)``."""
    nearest = np.concatenate([found.argmin(1) for _, found in points.squared_distances(x)])
    # from the difference: rounding hides the squared distance of a copy
    return np.linalg.norm(x - points.points[nearest], axis=1), nearest


def kernel_optima(
    y: np.ndarray, points: Prepared, sigma: float, bandwidths: Sequence[float]
) -> np.ndarray:
    """Return the best reconstructions of corrupted y if Gaussians at the points were the truth.

    For k `bandwidths` h, their standard deviation, and y ``(n, d)`` the result has the shape
    ``(k, n, d)``. With bandwidth 0 the truth is the points themselves. The points' mean m under the
    softmax of -|y - point|^2 / (2 (sigma^2 + h^2)) is moved towards y by h^2 / (sigma^2 + h^2):
    statement T1, as ``DenoisingOptimum`` has it for few points in few dimensions.
    """
    result = np.empty((len(bandwidths), *y.shape), y.dtype)
    for rows, squares in points.squared_distances(y):
        for found, bandwidth in zip(result, bandwidths, strict=True):
            variance = sigma**2 + bandwidth**2
            shares = squares * np.float32(-0.5 / variance)
            softmax_in_place(shares)
            mean = shares @ points.points
            found[rows] = mean + (y[rows] - mean) * np.float32(bandwidth**2 / variance)
    return result
