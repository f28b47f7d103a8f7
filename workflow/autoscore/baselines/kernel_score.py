"""A kernel score estimator: what can be had from samples without a network.

The log-density is that of a Gaussian plus a function f of the Gaussian kernel's space, spanned by
a few landmarks; f minimises the implicit score-matching loss, a linear solve. Sources: the kernel
exponential family, Sriperumbudur et al. (2017), "Density estimation in infinite dimensional
exponential families"; landmarks, Sutherland et al. (2018), "Efficient and principled score
estimation with Nystrom kernel exponential families"; functions spanned by kernels rather than by
their derivatives, Strathmann et al. (2015), "Gradient-free Hamiltonian Monte Carlo with efficient
kernel exponential families".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its subpackages load on first use, which spares plans half a second

from autoscore.baselines.declaration import Baseline
from autoscore.numerics.exponentials import exp_in_place
from autoscore.numerics.pairwise import Distances
from autoscore.numerics.score_matching import QuadraticLoss
from autoscore.wording import require

CHUNK = 500_000  # kernel evaluations at once: 4 MB of doubles, which a cache can hold
SEARCHED = 5_000  # points on which the bandwidth is chosen; more hardly change it
BANDWIDTHS = np.geomspace(0.05, 2.0, 7)  # in units of the median distance between landmarks
RIDGES = np.logspace(-10, 1, 12)  # lambda h^2
SHRINKAGES = (0.0, 1e-3, 1e-2, 0.1, 0.3, 1.0)
LANDMARKS = 200  # in tables of errors
JITTER = 1e-12  # of the mean diagonal, which keeps the solve positive definite


@dataclass(frozen=True)
class GaussianScore:
    """The score of a Gaussian, -P (x - mean), with mean ``(d,)`` and precision P ``(d, d)``."""

    mean: np.ndarray
    precision: np.ndarray

    def score(self, x: np.ndarray) -> np.ndarray:
        """Return the score at x, both ``(n, d)``."""
        return (self.mean - x) @ self.precision

    def loss(self, x: np.ndarray) -> float:
        """Return the implicit loss at points ``(n, d)``."""
        divergence = -float(np.trace(self.precision))
        return 0.5 * float((self.score(x) ** 2).sum(-1).mean()) + divergence


@dataclass
class KernelScore:
    """s(x) = s_0(x) + sum_m alpha_m grad k(x, z_m), with k(x, z) = exp(-|x - z|^2 / 2h^2).

    Landmarks z_m ``(M, d)`` have coefficients alpha_m ``(M,)``; h is the bandwidth. Far from all
    landmarks only the Gaussian base s_0 is left.
    """

    base: GaussianScore
    landmarks: np.ndarray
    bandwidth: float
    coefficients: np.ndarray

    def score(self, x: np.ndarray) -> np.ndarray:
        """Return the score at x, both ``(n, d)``."""
        result = self.base.score(x)
        for rows, squares in Distances(self.landmarks, order="x, points").chunks(x, CHUNK):
            terms = _kernel(squares, self.bandwidth) * self.coefficients
            pull = terms @ self.landmarks - terms.sum(-1, keepdims=True) * x[rows]
            result[rows] += pull / self.bandwidth**2
        return result


def fit_kernel_score(
    points: np.ndarray, held_out: np.ndarray, rng: np.random.Generator, landmarks: int = 350
) -> KernelScore:
    """Return the kernel score estimate of least implicit loss on held-out points ``(m, d)``.

    Landmarks are drawn from the training points ``(n, d)``. The bandwidth is chosen from a grid,
    fitted to `SEARCHED` training points at most; then the ridge, from another, with all of them.
    Raise ValueError as `fit_gaussian`.
    """
    base = fit_gaussian(points, held_out)
    chosen = rng.permutation(len(points))
    centres = points[chosen[:landmarks]]
    apart = scipy.spatial.distance.pdist(centres)
    apart = apart[apart > 0]  # of points at two places, all landmarks may lie at one
    typical = float(np.median(apart)) if len(apart) else float(points.std(0).mean())
    bandwidths = typical * BANDWIDTHS
    train = quadratic_losses(base, centres, bandwidths, points[chosen[:SEARCHED]])
    test = quadratic_losses(base, centres, bandwidths, held_out)
    found = [
        _fit_coefficients(fitted, held, centres, bandwidth)[0]
        for fitted, held, bandwidth in zip(train, test, bandwidths, strict=True)
    ]
    best = int(np.argmin(found))
    bandwidth = bandwidths[best]
    (whole,) = quadratic_losses(base, centres, [bandwidth], points)
    _, coefficients = _fit_coefficients(whole, test[best], centres, bandwidth)
    return KernelScore(base, centres, bandwidth, coefficients)


def fit_gaussian(points: np.ndarray, held_out: np.ndarray) -> GaussianScore:
    """Return the Gaussian whose covariance, shrunk to a multiple of I, has least held-out loss.

    Raise ValueError if fewer than two points differ, or none is held out.
    """
    require("a loss on held-out points", len(held_out))
    if len(points) < 2 or not np.ptp(points, axis=0).any():
        raise ValueError("a Gaussian needs at least two different points")
    covariance = np.atleast_2d(np.cov(points.T))
    variances, axes = np.linalg.eigh(covariance)
    found = []
    for shrinkage in SHRINKAGES:
        shrunk = (1.0 - shrinkage) * variances + shrinkage * variances.mean()
        # fewer points than dimensions span no volume: such a covariance has no inverse
        if shrunk.min() > 1e-10 * shrunk.max():
            found.append(GaussianScore(points.mean(0), axes / shrunk @ axes.T))
    return min(found, key=lambda gaussian: gaussian.loss(held_out))


def quadratic_losses(
    base: GaussianScore,
    landmarks: np.ndarray,
    bandwidths: Sequence[float] | np.ndarray,
    x: np.ndarray,
) -> list[QuadraticLoss]:
    """Return the implicit loss at points ``(n, d)``, a function of alpha, for each bandwidth.

    As (x - z).(x - z') = (|x - z|^2 + |x - z'|^2 - |z - z'|^2) / 2, the Gram matrix of the
    gradients needs products of (n, M) matrices alone, never n x M x d numbers.
    """
    (n, dim), count = x.shape, len(landmarks)
    squared, crossed = np.zeros((2, len(bandwidths), count, count))
    linear = np.zeros((len(bandwidths), count))
    for rows, squares in Distances(landmarks, order="x, points").chunks(x, CHUNK):
        score = base.score(x[rows])
        along = (score * x[rows]).sum(-1)
        for index, bandwidth in enumerate(bandwidths):
            kernel = _kernel(squares, bandwidth)
            weighted = kernel * squares
            squared[index] += kernel.T @ kernel
            crossed[index] += kernel.T @ weighted
            linear[index] += ((kernel.T @ score) * landmarks).sum(-1) - along @ kernel
            linear[index] += weighted.sum(0) / bandwidth**2 - dim * kernel.sum(0)
    apart = scipy.spatial.distance.cdist(landmarks, landmarks, "sqeuclidean")
    return [
        QuadraticLoss((c + c.T - s * apart) / (2.0 * n * h**4), b / (n * h**2), base.loss(x))
        for s, c, b, h in zip(squared, crossed, linear, bandwidths, strict=True)
    ]


def _fit_coefficients(
    train: QuadraticLoss, test: QuadraticLoss, landmarks: np.ndarray, bandwidth: float
) -> tuple[float, np.ndarray]:
    """Return the least held-out loss over the ridges, and the alpha that reach it."""
    norm = _kernel(scipy.spatial.distance.cdist(landmarks, landmarks, "sqeuclidean"), bandwidth)
    mean = np.trace(train.gram) / len(norm)
    found = [np.zeros(len(norm))]  # the base alone
    for strength in RIDGES / bandwidth**2:  # alpha minimise the loss + strength |f|^2 / 2
        jitter = JITTER * (mean + strength)
        found.append(train.minimiser(strength * norm + jitter * np.eye(len(norm))))
    losses = test(np.stack(found))
    return losses.min(), found[int(losses.argmin())]


def _kernel(squares: np.ndarray, bandwidth: float) -> np.ndarray:
    kernel = squares * (-0.5 / bandwidth**2)
    exp_in_place(kernel)
    return kernel


BASELINE = Baseline(
    name="kernel",
    about="a kernel estimator of the score",
    look={"color": "#009E73", "linestyle": ":", "marker": "D", "label": "kernel score"},
    fit=lambda given: fit_kernel_score(given.points, given.validation, given.rng, LANDMARKS),
    score=KernelScore.score,
    selectable=True,
    objective="ism",
    needs_validation=True,
    of_density=False,
)
