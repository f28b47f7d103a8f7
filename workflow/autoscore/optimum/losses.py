"""Both losses of one reconstruction in the plane, and how they part as the noise falls (P1).

For r = x + m the denoising loss is sigma^2 d + 2 sigma^2 E[div m] + E|m|^2, expectations under
p_sigma (by Stein's identity), and the contractive one sigma^2 d + E[2 sigma^2 div m + |m|^2 +
sigma^2 |dm/dx|_F^2] under p. Since E_{p_sigma} f = E_p[f + sigma^2 lap f / 2] + O(sigma^4), they
differ by sigma^2 E_p[m . lap m] + sigma^4 E_p[lap div m] + ..., for smooth m:

- by sigma^2, no less than the contraction itself, if m does not vanish with sigma;
- by sigma^(2 + 2a) for m = sigma^a w with 0 < a <= 2, so o(sigma^2), as P1 says;
- by sigma^8 for both optima: m = sigma^2 (s + O(sigma^2)), and E_p[lap div s + s . lap s] is the
  integral of div(p lap s), which vanishes;
- not at all if m is affine, however far from x that takes r: P1's condition is sufficient alone.
"""

from itertools import product

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.optimum.bias import extrapolated_field, optimal_field

NODES = 5000  # that stand for p
COARSE = 100  # cells along each side of the support, by which these are spaced
CUT = 1e-6  # of its maximum: p that is left out
RESOLVED = 1e-3  # largest error of the mass
ORDER = 5  # nodes of noise along each coordinate
WINDOW = 1 / 32, 1 / 4  # of noise, in units of the length on which p changes
RIPPLES = {"wrong": 2, "slow": 1, "fixed": 0}  # powers of sigma in r - x
LOSSES = ["model", "sigma", "denoising", "contractive", "difference"]


class Ripple(Field):
    """r_i(x) = x_i + l (sigma / l)^power sin(x_i / l), which no density has for an optimum."""

    def __init__(self, sigma: float, dim: int, length: float, power: float) -> None:
        self.sigma, self.dim, self._length = sigma, dim, length
        self._steepest = (sigma / length) ** power

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x + self.move(x)

    def move(self, x: np.ndarray) -> np.ndarray:
        return self._length * self._steepest * np.sin(x / self._length)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        return np.eye(self.dim) * (1 + self._steepest * np.cos(x / self._length))[:, :, None]


def denoising_loss(
    field: Field, sigma: float, x: np.ndarray, weights: np.ndarray, order: int = ORDER
) -> float:
    """Return L_DAE(r) = E|r(x + e) - x|^2 over weighted points and e ~ N(0, sigma^2 I).

    The noise has `order`^d Gauss-Hermite nodes, exact where |r(x + e) - x|^2 is a polynomial of
    degree 2 order - 1 in each coordinate of e.
    """
    nodes, shares = np.polynomial.hermite_e.hermegauss(order)
    shares = shares / shares.sum()
    loss = 0.0
    for chosen in product(range(order), repeat=x.shape[1]):
        e = sigma * nodes[list(chosen)]
        loss += shares[list(chosen)].prod() * (weights @ ((field.move(x + e) + e) ** 2).sum(1))
    return float(loss)


def contractive_loss(field: Field, sigma: float, x: np.ndarray, weights: np.ndarray) -> float:
    """Return L_RCAE(r) = E[|r(x) - x|^2 + sigma^2 |dr/dx|_F^2] at weighted points."""
    contraction = (field.jacobian(x) ** 2).sum((1, 2))
    return float(weights @ (field.reconstruction_error(x) + sigma**2 * contraction))


def plane_rule(density: Density) -> tuple[np.ndarray, np.ndarray]:
    """Return about `NODES` nodes ``(n, 2)`` and weights ``(n,)`` for expectations under p.

    They are the centres of equal cells over the support, those where p is above `CUT` times its
    maximum; the weights sum to 1. Such a grid is exact to rounding for what is smooth and
    vanishes at its edge. Raise ValueError if p is too thin for it.
    """
    _, few = _cells(density, COARSE)
    wanted = COARSE * np.sqrt(NODES / np.count_nonzero(few > CUT * few.max()))
    side = 2 * round(wanted / 2)  # no centre lies on an axis, where energies of |x| have a cusp
    x, mass = _cells(density, side)
    if not abs(mass.sum() - 1) < RESOLVED:
        raise ValueError(
            f"{side} x {side} cells must hold a mass of 1, not {mass.sum():.6g}: the density is "
            "too thin for them"
        )
    kept = mass > CUT * mass.max()
    return x[kept], mass[kept] / mass[kept].sum()


def _cells(density: Density, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the centres, ``(side^2, 2)``, and masses of `side` x `side` cells of the support."""
    low, high = density.support.T
    cells = (np.arange(side) + 0.5) / side
    axes = low[:, None] + (high - low)[:, None] * cells
    x = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    return x, np.exp(density.log_prob(x)) * np.prod((high - low) / side)


def loss_table(density: Density, sigmas: np.ndarray, points: int) -> pd.DataFrame:
    """Return both losses of both optima and of wrong fields in the plane, a row each (P1).

    Their columns are `LOSSES`; models are ``dae``, ``rcae`` and the `RIPPLES`, and the contractive
    optimum has this many grid points along each side. Noise levels are those within the `WINDOW`,
    in units of the length sqrt(d / E|s|^2): below, the grid of the contractive optimum shows,
    above, the noise's few nodes do not suffice. A density too thin for the rule has no rows.
    """
    try:
        x, weights = plane_rule(density)
    except ValueError:
        return pd.DataFrame(columns=LOSSES)
    length = np.sqrt(density.dim / (weights @ (density.score(x) ** 2).sum(1)))
    rows = []
    low, high = np.array(WINDOW) * length
    for sigma in sigmas[(sigmas > low) & (sigmas < high)]:
        fields = {
            "dae": optimal_field(density, "dae", sigma, points),
            "rcae": extrapolated_field(density, sigma, points),
        }
        fields |= {name: Ripple(sigma, 2, length, power) for name, power in RIPPLES.items()}
        for name, field in fields.items():
            denoising = denoising_loss(field, sigma, x, weights)
            contractive = contractive_loss(field, sigma, x, weights)
            rows.append((name, sigma, denoising, contractive, denoising - contractive))
    return pd.DataFrame(rows, columns=LOSSES)
