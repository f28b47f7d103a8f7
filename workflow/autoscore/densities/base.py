"""What every target density offers."""

from abc import ABC, abstractmethod

import numpy as np

from autoscore.densities.closed_forms import ClosedForm
from autoscore.numerics.grids import gauss_legendre
from autoscore.numerics.panels import Panels

RESOLVED = 1e-9  # largest error of the integral of p over even panels


class Density(ABC):
    """A probability density p on R^d with exact derivatives."""

    dim: int
    bounds: np.ndarray  # (d, 2): a box outside of which the mass is negligible or zero

    @property
    def is_degenerate(self) -> bool:
        """Whether all mass lies on points or a curve: then only ``smoothed`` has a density."""
        return False

    @abstractmethod
    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """Return log p(x) of shape ``(n,)`` for x of shape ``(n, d)``."""

    @abstractmethod
    def score(self, x: np.ndarray) -> np.ndarray:
        """Return grad log p(x) of shape ``(n, d)``."""

    def log_prob_and_score(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return both, which may cost less than one after the other."""
        return self.log_prob(x), self.score(x)

    def closed_form(self) -> ClosedForm | None:
        """Return the formula of log p, from which chains can be compiled; None if there is none."""
        return None

    @abstractmethod
    def hessian(self, x: np.ndarray) -> np.ndarray:
        """Return the Hessian of log p at x, of shape ``(n, d, d)``."""

    @abstractmethod
    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        """Return the Laplacian of each component of the score, of shape ``(n, d)``."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return n independent draws of shape ``(n, d)``."""

    @abstractmethod
    def smoothed(self, sigma: float) -> "Density":
        """Return p_sigma, the density of x + e with x ~ p and e ~ N(0, sigma^2 I)."""

    @property
    def support(self) -> np.ndarray:
        """A box, shape ``(d, 2)``, that holds all mass but a negligible part; within `bounds`."""
        return self.bounds

    def check_resolved(self) -> None:
        """Raise ValueError if the mass cannot be found within the bounds."""
        _ = self.support

    @abstractmethod
    def fitted_panels(self) -> Panels:
        """Return panels that resolve a one-dimensional density, however narrow it is."""

    def coarser(self) -> "Density":
        """Return the same density at lower resolution; itself if it is in closed form."""
        return self

    def quadrature(
        self, panels: int = 24, *, within: float = RESOLVED, cut: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes ``(n, 1)`` and weights ``(n,)``, summing to 1, for expectations under p.

        Even panels cover the support, or the part of it where p exceeds `cut` times its maximum.
        Fitted panels replace them where p integrates to 1 by no better than `within`. Raise
        ValueError for d > 1, where samples take expectations.
        """
        if self.dim > 1:
            raise ValueError(
                f"quadrature needs a density with d = 1, but this one has d = {self.dim}"
            )
        low, high = self._above(cut) if cut else self.support[0]
        nodes, weights = gauss_legendre(low, high, panels)
        weights = weights * np.exp(self.log_prob(nodes[:, None]))
        if not abs(weights.sum() - 1.0) < within:
            nodes, weights = self.fitted_panels().rule()
            weights = weights * np.exp(self.log_prob(nodes[:, None]))
        return nodes[:, None], weights / weights.sum()

    def _above(self, cut: float) -> tuple[float, float]:
        """Return an interval outside of which p is below `cut` times its maximum on a grid."""
        low, high = self.support[0]
        x = np.linspace(low, high, 4001)
        log_p = self.log_prob(x[:, None])
        inside = np.flatnonzero(log_p > log_p.max() + np.log(cut))
        return x[max(inside[0] - 1, 0)], x[min(inside[-1] + 1, len(x) - 1)]

    def posterior_variance(self, y: np.ndarray, sigma: float) -> np.ndarray:
        """Return E|x - E[x|y]|^2 given y = x + e, of shape ``(n,)``, for e ~ N(0, sigma^2 I).

        It is sigma^2 (d + sigma^2 lap log p_sigma(y)), the second-order form of Tweedie's formula.
        """
        laplacian = np.trace(self.smoothed(sigma).hessian(y), axis1=-2, axis2=-1)
        return sigma**2 * (self.dim + sigma**2 * laplacian)


def leading_bias(density: Density, objective: str, x: np.ndarray) -> np.ndarray:
    """Return the coefficient of sigma^2 in (r*(x) - x)/sigma^2 - s(x), of shape ``(n, d)``.

    Statement C1: for the optimum of ``"dae"`` it is grad(lap p / p) / 2, which equals
    lap s / 2 + (s . grad) s; for that of ``"rcae"`` it is lap s + (s . grad) s.
    """
    factor = {"dae": 0.5, "rcae": 1.0}[objective]
    advection = np.einsum("nij,nj->ni", density.hessian(x), density.score(x))
    return factor * density.score_laplacian(x) + advection
