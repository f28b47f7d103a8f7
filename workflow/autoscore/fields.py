"""The interface that exact, optimal and learned reconstructions share."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from autoscore.numerics.grids import gauss_legendre


class Field(ABC):
    """A reconstruction function r on R^dim, and estimates that follow from it.

    r is (nearly) the best reconstruction for corruption of standard deviation `sigma`.
    """

    sigma: float
    dim: int

    @abstractmethod
    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return r(x), of shape ``(n, d)``, for x of shape ``(n, d)``."""

    @abstractmethod
    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """Return dr/dx of shape ``(n, d, d)``: entry [k, i, j] is dr_i/dx_j at x[k]."""

    def move(self, x: np.ndarray) -> np.ndarray:
        """Return r(x) - x of shape ``(n, d)``, if possible without the rounding of r(x)."""
        return self(x) - x

    def rounding(self, x: np.ndarray) -> np.ndarray:
        """Return the length below which r(x) - x is only rounding, shape ``(n,)``."""
        return 4.0 * np.finfo(float).eps * np.abs(x).max(axis=1, initial=0.0)

    def score(self, x: np.ndarray) -> np.ndarray:
        """Return the score estimate (r(x) - x) / sigma^2 of shape ``(n, d)`` (statement C1)."""
        return self.move(x) / self.sigma**2

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """Return (dr/dx - I) / sigma^2 of shape ``(n, d, d)``, an estimate of Hess log p (C5)."""
        return (self.jacobian(x) - np.eye(self.dim)) / self.sigma**2

    def reconstruction_error(self, x: np.ndarray) -> np.ndarray:
        """Return the squared distance between r(x) and x, of shape ``(n,)``."""
        return (self.move(x) ** 2).sum(-1)

    def log_ratio(self, x: np.ndarray, y: np.ndarray, nodes: int = 5) -> np.ndarray:
        """Return the estimate of log p(y) - log p(x) along segments from x to y, shape ``(n,)``.

        It is the integral of s(x + t (y - x)) . (y - x) over t from 0 to 1 (statement C6) with so
        many Gauss-Legendre nodes. Unless the field is a gradient, it depends on the path.
        """
        t, weights = gauss_legendre(0.0, 1.0, panels=1, order=nodes)
        points = x + t[:, None, None] * (y - x)
        along = (self.score(points.reshape(-1, self.dim)).reshape(points.shape) * (y - x)).sum(-1)
        return weights @ along

    def curl(self, x: np.ndarray) -> np.ndarray:
        """Return ds_2/dx_1 - ds_1/dx_2 of shape ``(n,)``, 0 for a gradient field; d must be 2."""
        if self.dim != 2:
            raise ValueError(f"the curl needs d = 2, but this field has d = {self.dim}")
        slope = self.hessian(x)
        return slope[:, 1, 0] - slope[:, 0, 1]


FieldAt = Callable[[float], Field]  # from a noise level: separate models, or a conditioned one


def symmetric_share(slopes: np.ndarray, *, traceless: bool = False) -> np.ndarray:
    """Return |S|^2 / (|S|^2 + |K|^2) of the symmetric and skew parts of matrices ``(n, d, d)``.

    It is 1 for the Jacobian of a gradient field (statement C4) and NaN for zeros. Independent
    entries of mean 0 give (d + 1) / (2 d): 3/4 in the plane, 1/2 in many dimensions. With
    `traceless`, S is replaced by S - I tr(S) / d: adding a multiple of the identity, which is
    symmetric for free, then changes nothing (see `autoscore.geometry.potential.asymmetry`).

    Examples
    --------
    >>> rotation, stretching = np.array([[0.0, -1.0], [1.0, 0.0]]), np.diag([2.0, 1.0])
    >>> symmetric_share(np.stack([rotation, stretching, rotation + np.eye(2)]))
    array([0. , 1. , 0.5])
    """
    turned = np.swapaxes(slopes, 1, 2)
    symmetric = ((slopes + turned) ** 2).sum((1, 2))
    if traceless:
        symmetric = symmetric - 4 * np.trace(slopes, axis1=1, axis2=2) ** 2 / slopes.shape[1]
    with np.errstate(invalid="ignore"):
        return symmetric / (symmetric + ((slopes - turned) ** 2).sum((1, 2)))
