"""Gaussian mixtures in d dimensions: everything in closed form."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from autoscore.densities.base import Density
from autoscore.densities.closed_forms import Quadratics
from autoscore.densities.declaration import MATRIX, VECTOR, Kind, array, number
from autoscore.numerics.exponentials import softmax_in_place
from autoscore.numerics.panels import Panels, panels_around


class GaussianMixture(Density):
    """p(x) = sum_k w_k N(x; mu_k, C_k).

    Weights ``(K,)`` are positive and normalised here, means ``(K, d)``, covariances ``(K, d, d)``
    symmetric and positive definite; raise ValueError otherwise.

    Examples
    --------
    Two Gaussians on a line. The score leads to the nearer one; between them p has a minimum.

    >>> p = GaussianMixture([0.5, 0.5], [[-1], [1]], [[[0.25]], [[0.25]]])
    >>> x = np.array([[-0.2], [0.0], [0.2]])
    >>> p.log_prob(x).round(2)
    array([-2.02, -2.23, -2.02])
    >>> p.score(x[[0, 2]]).round(2).ravel()
    array([-1.86,  1.86])
    >>> p.hessian(x).round(1).ravel()
    array([ 4.9, 12. ,  4.9])
    """

    def __init__(self, weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> None:
        self.weights = np.asarray(weights, dtype=float)
        self.means = np.asarray(means, dtype=float)
        self.covariances = np.asarray(covariances, dtype=float)
        components, self.dim = self.means.shape
        if self.weights.shape != (components,):
            raise ValueError(f"{components} means need as many weights, not {self.weights.shape}")
        if self.covariances.shape != (components, self.dim, self.dim):
            raise ValueError(
                f"{components} means in {self.dim} dimensions need covariances of shape "
                f"{(components, self.dim, self.dim)}, not {self.covariances.shape}"
            )
        if not (self.weights > 0).all():
            raise ValueError(f"mixture weights must be positive, not {self.weights.tolist()}")
        self.weights = self.weights / self.weights.sum()
        largest = np.abs(self.covariances).max(initial=0.0)
        turned = np.swapaxes(self.covariances, 1, 2)
        if not np.allclose(self.covariances, turned, atol=1e-8 * largest):
            raise ValueError("mixture covariances must be symmetric")
        try:
            self._factors = np.linalg.cholesky(self.covariances)
        except np.linalg.LinAlgError:
            raise ValueError("mixture covariances must be positive definite") from None
        reach = 10.0 * np.sqrt(np.diagonal(self.covariances, axis1=1, axis2=2))
        self.bounds = np.stack([(self.means - reach).min(0), (self.means + reach).max(0)], axis=1)

    @cached_property
    def _precisions(self) -> np.ndarray:
        """Inverse covariances, computed late: checking a configuration needs none."""
        return np.linalg.inv(self.covariances)

    def _components(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return log p, (n,), and the components' shares of p, (n, K), and scores, (n, K, d)."""
        offset = self.means[:, None, :] - x  # (K, n, d): one matrix product per component
        scores = np.matmul(offset, self._precisions)
        log_det = 2.0 * np.log(np.diagonal(self._factors, axis1=1, axis2=2)).sum(-1)
        distance = np.einsum("kni,kni->nk", offset, scores)
        log_normal = -0.5 * (distance + log_det + self.dim * np.log(2 * np.pi))
        share = np.log(self.weights) + log_normal
        log_prob = softmax_in_place(share)
        return log_prob, share, np.swapaxes(scores, 0, 1)

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return self._components(x)[0]

    def score(self, x: np.ndarray) -> np.ndarray:
        return self.log_prob_and_score(x)[1]

    def log_prob_and_score(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_prob, share, scores = self._components(x)
        return log_prob, np.einsum("nk,nki->ni", share, scores)

    def closed_form(self) -> Quadratics:
        log_det = 2.0 * np.log(np.diagonal(self._factors, axis1=1, axis2=2)).sum(-1)
        log_heights = np.log(self.weights) - 0.5 * (log_det + self.dim * np.log(2 * np.pi))
        return Quadratics(log_heights, self.means, self._precisions)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        _, share, scores = self._components(x)
        centred = scores - np.einsum("nk,nki->ni", share, scores)[:, None, :]
        spread = np.einsum("nk,nki,nkj->nij", share, centred, centred)
        return spread - np.einsum("nk,kij->nij", share, self._precisions)

    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        _, share, scores = self._components(x)
        mean = np.einsum("nk,nki->ni", share, scores)
        # lap p / p = sum_k share_k a_k with a_k = |s_k|^2 - tr C_k^-1, and
        # lap s = grad(lap log p) = grad(lap p / p - |s|^2).
        a = (scores**2).sum(-1) - np.trace(self._precisions, axis1=1, axis2=2)
        gradient = np.einsum("nk,nk,nki->ni", share, a, scores - mean[:, None, :])
        gradient -= 2.0 * np.einsum("nk,kij,nkj->ni", share, self._precisions, scores)
        return gradient - 2.0 * np.einsum("nij,nj->ni", self.hessian(x), mean)

    def fitted_panels(self) -> Panels:
        return panels_around(self.means[:, 0], np.sqrt(self.covariances[:, 0, 0]))

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        # one row of numbers per point, so that more points change no other point
        normal = rng.standard_normal((n, self.dim + 1))
        chosen = np.searchsorted(np.cumsum(self.weights)[:-1], ndtr(normal[:, 0]))
        x = self.means[chosen]
        for component, factor in enumerate(self._factors):
            own = chosen == component
            x[own] += normal[own, 1:] @ factor.T
        return x

    def smoothed(self, sigma: float) -> "GaussianMixture":
        noise = sigma**2 * np.eye(self.dim)
        return GaussianMixture(self.weights, self.means, self.covariances + noise)


def _make(entry: Mapping) -> GaussianMixture:
    means = np.asarray(entry["means"], dtype=float)
    if "covariances" in entry:
        covariances = np.asarray(entry["covariances"], dtype=float)
    else:
        spread = np.asarray(entry["standard_deviations"], dtype=float)
        if len(spread) != len(means):
            raise ValueError(f"{len(means)} means need as many standard_deviations")
        covariances = spread[:, None, None] ** 2 * np.eye(means.shape[-1])
    return GaussianMixture(entry["weights"], means, covariances)


KIND = Kind(
    name="mixture",
    about="weights, means (K x d) and covariances (K x d x d) or standard_deviations (K)",
    properties={
        "means": MATRIX | {"description": "Mixture means, one list of d numbers per component."},
        "weights": VECTOR
        | {"description": "Mixture weights, one per component, positive; normalised when read."},
        "standard_deviations": array(
            "Standard deviation of each component of a mixture, the same in all directions, > 0; "
            "or covariances.",
            number("a number > 0, from 1e-100 to 1e100", 1e-100, 1e100),
        ),
        "covariances": array(
            "Covariance matrix of each component of a mixture; or standard_deviations.", MATRIX
        ),
    },
    make=_make,
    dimension=lambda entry: len(entry["means"][0]),
    required=("weights", "means"),
    exactly_one_of=(("covariances", "standard_deviations"),),
    fault_phrases={
        "standard_deviations": "standard_deviations",
        "weight": "weights",
        "covariance": "covariances",
    },
)
