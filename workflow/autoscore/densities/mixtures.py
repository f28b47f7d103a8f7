"""Gaussian mixtures in d dimensions: everything in closed form."""

import numpy as np
from scipy.special import logsumexp, ndtr, softmax

from autoscore.densities.base import Density


class GaussianMixture(Density):
    """p(x) = sum_k w_k N(x; mu_k, C_k).

    Parameters
    ----------
    weights
        Shape ``(K,)``, positive; normalised here.
    means
        Shape ``(K, d)``.
    covariances
        Shape ``(K, d, d)``, symmetric positive definite.

    Raises
    ------
    ValueError
        If the shapes disagree, a weight is not positive or a covariance is
        not symmetric positive definite.
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
        if not np.allclose(self.covariances, np.swapaxes(self.covariances, 1, 2)):
            raise ValueError("mixture covariances must be symmetric")
        try:
            self._factors = np.linalg.cholesky(self.covariances)
        except np.linalg.LinAlgError:
            raise ValueError("mixture covariances must be positive definite") from None
        self._precisions = np.linalg.inv(self.covariances)
        reach = 10.0 * np.sqrt(np.diagonal(self.covariances, axis1=1, axis2=2))
        self.bounds = np.stack([(self.means - reach).min(0), (self.means + reach).max(0)], axis=1)

    def _components(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return log(w_k N_k(x)), shape (n, K), and the components' scores, shape (n, K, d)."""
        offset = self.means - x[:, None, :]
        scores = np.einsum("kij,nkj->nki", self._precisions, offset)
        log_det = 2.0 * np.log(np.diagonal(self._factors, axis1=1, axis2=2)).sum(-1)
        log_normal = -0.5 * ((offset * scores).sum(-1) + log_det + self.dim * np.log(2 * np.pi))
        return np.log(self.weights) + log_normal, scores

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return logsumexp(self._components(x)[0], axis=1)

    def score(self, x: np.ndarray) -> np.ndarray:
        log_joint, scores = self._components(x)
        return np.einsum("nk,nki->ni", softmax(log_joint, axis=1), scores)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        log_joint, scores = self._components(x)
        share = softmax(log_joint, axis=1)
        centred = scores - np.einsum("nk,nki->ni", share, scores)[:, None, :]
        spread = np.einsum("nk,nki,nkj->nij", share, centred, centred)
        return spread - np.einsum("nk,kij->nij", share, self._precisions)

    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        log_joint, scores = self._components(x)
        share = softmax(log_joint, axis=1)
        mean = np.einsum("nk,nki->ni", share, scores)
        # lap p / p = sum_k share_k a_k with a_k = |s_k|^2 - tr C_k^-1, and
        # lap s = grad(lap log p) = grad(lap p / p - |s|^2).
        a = (scores**2).sum(-1) - np.trace(self._precisions, axis1=1, axis2=2)
        gradient = np.einsum("nk,nk,nki->ni", share, a, scores - mean[:, None, :])
        gradient -= 2.0 * np.einsum("nk,kij,nkj->ni", share, self._precisions, scores)
        return gradient - 2.0 * np.einsum("nij,nj->ni", self.hessian(x), mean)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        # one row of numbers a point, so that more points change no other point
        normal = rng.standard_normal((n, self.dim + 1))
        chosen = np.searchsorted(np.cumsum(self.weights)[:-1], ndtr(normal[:, 0]))
        return self.means[chosen] + np.einsum("nij,nj->ni", self._factors[chosen], normal[:, 1:])

    def smoothed(self, sigma: float) -> "GaussianMixture":
        noise = sigma**2 * np.eye(self.dim)
        return GaussianMixture(self.weights, self.means, self.covariances + noise)
