"""What every target density offers."""

from abc import ABC, abstractmethod
from functools import reduce

import numpy as np

from autoscore.grids import gauss_legendre


class Density(ABC):
    """A probability density p on R^d with exact derivatives.

    Attributes
    ----------
    dim : int
        Dimension d.
    bounds : numpy.ndarray
        Shape ``(d, 2)``: a box outside of which the mass is negligible or zero.
    """

    dim: int
    bounds: np.ndarray

    @property
    def is_bare(self) -> bool:
        """Whether all mass lies on points or a curve: then only ``smoothed`` has a density."""
        return False

    @abstractmethod
    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """Return log p(x) of shape ``(n,)`` for x of shape ``(n, d)``."""

    @abstractmethod
    def score(self, x: np.ndarray) -> np.ndarray:
        """Return grad log p(x) of shape ``(n, d)``."""

    def log_prob_and_score(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return both, of shapes ``(n,)`` and ``(n, d)``; together they may cost less."""
        return self.log_prob(x), self.score(x)

    @abstractmethod
    def hessian(self, x: np.ndarray) -> np.ndarray:
        """Return the Hessian of log p at x, of shape ``(n, d, d)``."""

    @abstractmethod
    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        """Return the Laplacian of every component of the score, of shape ``(n, d)``."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return n independent draws of shape ``(n, d)``."""

    @abstractmethod
    def smoothed(self, sigma: float) -> "Density":
        """Return p_sigma, the density of x + e with x ~ p and e ~ N(0, sigma^2 I)."""

    def quadrature(self, panels: int = 24) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes ``(n, d)`` and weights ``(n,)``, summing to 1, for expectations under p.

        Raises
        ------
        ValueError
            If d exceeds 2; in more dimensions expectations are taken over samples.
        """
        if self.dim > 2:
            raise ValueError(
                f"quadrature needs a density with d = 1 or 2, but this one has d = {self.dim}"
            )
        sides, weights = zip(*(gauss_legendre(*side, panels) for side in self.bounds), strict=True)
        nodes = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, self.dim)
        log_weights = np.log(reduce(np.multiply.outer, weights).ravel()) + self.log_prob(nodes)
        weights = np.exp(log_weights - log_weights.max())
        return nodes, weights / weights.sum()

    def posterior_variance(self, y: np.ndarray, sigma: float) -> np.ndarray:
        """Return E|x - E[x|y]|^2 given y = x + e, of shape ``(n,)``, for e ~ N(0, sigma^2 I).

        It is sigma^2 (d + sigma^2 lap log p_sigma(y)), the second-order form of Tweedie's formula.
        """
        laplacian = np.trace(self.smoothed(sigma).hessian(y), axis1=-2, axis2=-1)
        return sigma**2 * (self.dim + sigma**2 * laplacian)


def leading_bias(density: Density, objective: str, x: np.ndarray) -> np.ndarray:
    """Return the coefficient of sigma^2 in (r*(x) - x)/sigma^2 - s(x), of shape ``(n, d)``.

    Statement C1: for the denoising optimum it is grad(lap p / p) / 2, which equals
    lap s / 2 + (s . grad) s; for the contractive optimum it is lap s + (s . grad) s.

    Parameters
    ----------
    density
        The target p, with score s.
    objective
        ``"dae"`` or ``"rcae"``.
    x
        Points of shape ``(n, d)``.
    """
    factor = {"dae": 0.5, "rcae": 1.0}[objective]
    advection = np.einsum("nij,nj->ni", density.hessian(x), density.score(x))
    return factor * density.score_laplacian(x) + advection
