"""Distances between images: in many dimensions, against many points, by matrix products of chunks.

Images are rows of shape ``(n, d)``; pixels lie between 0 and 1. Squared distances are taken in the
precision of what is given: single precision is meant, and enough (|error| of the order of 1e-6
times the squared norms about the mean).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from autoscore.numerics.exponentials import exp_in_place, softmax_in_place
from autoscore.numerics.pairwise import Distances

CHUNK = 1 << 24  # distances at once: 64 MB in single precision

BANDWIDTHS = np.logspace(-1, 0, 10)  # the grid of Goodfellow et al. 2014, for images from 0 to 1


class Prepared(Distances):
    """Points ``(m, d)`` to which many distances are wanted."""

    def __init__(self, points: np.ndarray) -> None:
        super().__init__(points, fast=True)


def _distance_chunks(
    x: np.ndarray, points: np.ndarray | Prepared
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield slices of x with squared distances (chunk, n) to all points, to be overwritten."""
    known = points if isinstance(points, Prepared) else Prepared(points)
    for rows, distances in known.chunks(x, CHUNK):
        yield rows, np.maximum(distances, 0, out=distances)


# --- samples -----------------------------------------------------------------


def parzen_log_likelihood(
    samples: np.ndarray, points: np.ndarray, bandwidths: np.ndarray
) -> np.ndarray:
    """Return log p_h(points) for the Gaussian kernel density estimate of samples, shape ``(k, n)``.

    Parameters
    ----------
    samples
        Shape ``(m, d)``.
    points
        Shape ``(n, d)``.
    bandwidths
        Shape ``(k,)``: the standard deviations h of the kernel.
    """
    result = np.empty((len(bandwidths), len(points)))
    for rows, distances in _distance_chunks(points, samples):
        nearest = distances.min(1, keepdims=True)
        distances -= nearest
        for level, bandwidth in enumerate(bandwidths):
            kernels = np.multiply(distances, -0.5 / bandwidth**2)
            exp_in_place(kernels)
            result[level, rows] = np.log(kernels.sum(1)) - 0.5 * nearest[:, 0] / bandwidth**2
    scale = 0.5 * samples.shape[1] * np.log(2 * np.pi * np.square(bandwidths))
    return result - np.log(len(samples)) - scale[:, None]


@dataclass(frozen=True)
class ParzenEstimate:
    """A Parzen-window log-likelihood in nats: mean over held-out points and its standard error."""

    log_likelihood: float
    standard_error: float
    bandwidth: float


def parzen_estimate(
    samples: np.ndarray,
    validation: np.ndarray,
    held_out: np.ndarray,
    bandwidths: np.ndarray = BANDWIDTHS,
) -> ParzenEstimate:
    """Return the held-out log-likelihood of samples at the bandwidth best on validation points.

    This is the protocol of Breuleux, Bengio and Vincent (2011) in the form of Goodfellow et al.
    (2014): 10,000 samples, a bandwidth from a logarithmic grid that is likeliest on (1,000)
    validation images, the mean over the test images, whose standard error knows nothing of the
    spread between sets of samples. The measure is weak: it favours blurred prototypes, and is far
    from the true log-likelihood in many dimensions (Theis, van den Oord and Bethge 2016).

    Parameters
    ----------
    samples
        Shape ``(m, d)``, drawn from the model.
    validation, held_out
        Shapes ``(v, d)`` and ``(n, d)``, neither trained on.
    bandwidths
        Shape ``(k,)``.
    """
    fits = parzen_log_likelihood(samples, validation, bandwidths).mean(1)
    bandwidth = bandwidths[np.argmax(fits)]
    values = parzen_log_likelihood(samples, held_out, np.array([bandwidth]))[0]
    error = values.std() / np.sqrt(len(values))
    return ParzenEstimate(float(values.mean()), float(error), float(bandwidth))


def nearest_points(x: np.ndarray, points: np.ndarray | Prepared) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance from each x to the nearest point, and which it is, both ``(n,)``.

    Parameters
    ----------
    x
        Shape ``(n, d)``, samples for instance.
    points
        Shape ``(m, d)``, training images for instance; `Prepared` if they are asked for often.
    """
    points = points if isinstance(points, Prepared) else Prepared(points)
    chunks = [distances.argmin(1) for _, distances in _distance_chunks(x, points)]
    nearest = np.concatenate(chunks)
    # anew from the difference, as a copy's distance would be lost in the rounding
    return np.linalg.norm(x - points.points[nearest], axis=1), nearest


# --- denoising ---------------------------------------------------------------


def empirical_optimum(y: np.ndarray, points: np.ndarray | Prepared, sigma: float) -> np.ndarray:
    """Return the best reconstruction of y if the truth were the points, of shape ``(n, d)``.

    It is their mean under the softmax of -|y - point|^2 / (2 sigma^2): statement T1 for the
    empirical distribution, as ``DenoisingOptimum`` has it for few points in few dimensions.

    Parameters
    ----------
    y
        Corrupted points, shape ``(n, d)``.
    points
        Training points, shape ``(m, d)``; `Prepared` if they are asked for often.
    sigma
        Standard deviation of the corruption.
    """
    points = points if isinstance(points, Prepared) else Prepared(points)
    result = np.empty_like(y)
    for rows, shares in _distance_chunks(y, points):
        shares *= -0.5 / sigma**2
        softmax_in_place(shares)
        result[rows] = shares @ points.points
    return result
