"""The one interface behind which exact, optimal and learned reconstructions look the same."""

from abc import ABC, abstractmethod

import numpy as np


class Field(ABC):
    """A reconstruction function r at one noise level, and what is read off it.

    Attributes
    ----------
    sigma : float
        Standard deviation of the corruption for which r is (nearly) the best
        reconstruction.
    dim : int
        Dimension d of the space on which r acts.
    """

    sigma: float
    dim: int

    @abstractmethod
    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return r(x), of shape ``(n, d)``, for x of shape ``(n, d)``."""

    @abstractmethod
    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """Return dr/dx of shape ``(n, d, d)``: entry [k, i, j] is dr_i/dx_j at x[k]."""

    def score(self, x: np.ndarray) -> np.ndarray:
        """Return the score estimate (r(x) - x) / sigma^2 of shape ``(n, d)`` (statement C1)."""
        return (self(x) - x) / self.sigma**2

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """Return (dr/dx - I) / sigma^2 of shape ``(n, d, d)``, an estimate of Hess log p (C5)."""
        return (self.jacobian(x) - np.eye(self.dim)) / self.sigma**2

    def reconstruction_error(self, x: np.ndarray) -> np.ndarray:
        """Return the squared distance between r(x) and x, of shape ``(n,)``."""
        return ((self(x) - x) ** 2).sum(-1)
