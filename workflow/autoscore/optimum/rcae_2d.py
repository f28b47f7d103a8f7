"""The best reconstruction-contractive auto-encoder in two dimensions.

The minimiser of int p [ |r - x|^2 + sigma^2 |dr/dx|^2 ] obeys p (r_j - x_j) = sigma^2
div(p grad r_j) with the natural boundary p dr_j/dn = 0 (statement T2). In g = (r - x) / sigma^2,
which is of the order of the score, both components obey one elliptic equation with two right-hand
sides, p g_j - sigma^2 div(p grad g_j) = dp/dx_j: one multigrid hierarchy serves both.
"""

from functools import lru_cache
from typing import Self

import numpy as np
import pyamg
from scipy.interpolate import RectBivariateSpline
from scipy.sparse import csr_array, diags_array

from autoscore.densities.base import Density
from autoscore.optimum.dae import ScoreField

DEEPEST = 60.0  # below its maximum log p is cut off: there is nothing to learn
TOLERANCE = 1e-8  # of the scaled residual, far below the error of the grid


def solve_rcae_2d(density: Density, x1: np.ndarray, x2: np.ndarray, sigma: float) -> np.ndarray:
    """Return (r - x) / sigma^2, ``(2, n1, n2)``, on even grids ``(n1,)`` and ``(n2,)``.

    Finite volumes, of second order in the grid steps; outside of the grids p is taken to vanish.
    The matrix is scaled symmetrically by its diagonal, which takes the enormous range of p out of
    it, and solved by conjugate gradients with a Ruge-Stuben multigrid preconditioner.
    Raises ValueError unless sigma > 0 and each grid has 3 points, RuntimeError if the iteration
    does not reach its tolerance.
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be > 0, not {sigma}")
    if min(len(x1), len(x2)) < 3:
        raise ValueError("each grid must have at least 3 points")
    matrix, sides = _discretise(density, x1, x2, sigma)
    scale = 1.0 / np.sqrt(matrix.diagonal())
    scaled = csr_array(diags_array(scale) @ matrix @ diags_array(scale))
    hierarchy = pyamg.ruge_stuben_solver(scaled)
    solution = np.empty((2, len(x1), len(x2)))
    for component, side in enumerate(sides):
        residuals: list[float] = []
        found = hierarchy.solve(
            scale * side, tol=TOLERANCE, accel="cg", maxiter=200, residuals=residuals
        )
        if residuals[-1] > 10.0 * TOLERANCE * residuals[0]:
            raise RuntimeError(
                f"multigrid stopped at a relative residual of {residuals[-1] / residuals[0]:.1e} "
                f"for sigma {sigma}: a coarser grid or a larger sigma is easier"
            )
        solution[component] = (scale * found).reshape(len(x1), len(x2))
    return solution


def _discretise(
    density: Density, x1: np.ndarray, x2: np.ndarray, sigma: float
) -> tuple[csr_array, list[np.ndarray]]:
    """Return the matrix of the finite-volume equations and both right-hand sides."""
    h = [(x[-1] - x[0]) / (len(x) - 1) for x in (x1, x2)]
    cell, *faces = _weights(density, *((x[0], x[-1], len(x)) for x in (x1, x2)))
    index = np.arange(cell.size).reshape(cell.shape)
    neighbours = ((index[:-1], index[1:]), (index[:, :-1], index[:, 1:]))
    diagonal = cell.ravel().copy()
    rows, columns, values, sides = [], [], [], []
    for face, (left, right), step in zip(faces, neighbours, h, strict=True):
        left, right, flux = left.ravel(), right.ravel(), face.ravel()
        coupling = sigma**2 * flux / step
        rows += [left, right]
        columns += [right, left]
        values += [-coupling, -coupling]
        size = cell.size
        diagonal += np.bincount(left, coupling, size) + np.bincount(right, coupling, size)
        sides.append(np.bincount(left, flux, size) - np.bincount(right, flux, size))
    rows.append(index.ravel())
    columns.append(index.ravel())
    values.append(diagonal)
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(entries, shape=(cell.size, cell.size)), sides


@lru_cache(maxsize=3)  # grids: no noise level changes them, and log p may cost more than the solve
def _weights(density: Density, *ends: tuple[float, float, int]) -> tuple[np.ndarray, ...]:
    """Return p times the size of each cell, and p times the width of the faces along each axis."""
    x1, x2 = (np.linspace(*end) for end in ends)
    middle = [0.5 * (x[1:] + x[:-1]) for x in (x1, x2)]
    log_p = _log_prob(density, x1, x2)
    highest = log_p.max()

    def weight(values: np.ndarray) -> np.ndarray:
        return np.exp(np.maximum(values - highest, -DEEPEST))

    # cells at the edge of the box are cut in half
    width = [np.full(len(x), (x[-1] - x[0]) / (len(x) - 1)) for x in (x1, x2)]
    for w in width:
        w[[0, -1]] *= 0.5
    return (
        weight(log_p) * width[0][:, None] * width[1],
        weight(_log_prob(density, middle[0], x2)) * width[1],
        weight(_log_prob(density, x1, middle[1])) * width[0][:, None],
    )


def _log_prob(density: Density, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
    points = np.stack(np.meshgrid(x1, x2, indexing="ij"), axis=-1)
    return density.log_prob(points.reshape(-1, 2)).reshape(len(x1), len(x2))


class ContractiveOptimum2D(ScoreField):
    """The optimum as a field: cubic splines through a solution of `solve_rcae_2d`."""

    dim = 2

    def __init__(self, x1: np.ndarray, x2: np.ndarray, solution: np.ndarray, sigma: float) -> None:
        self.x1, self.x2, self.solution = x1, x2, solution
        self.sigma = float(sigma)
        self._splines = [RectBivariateSpline(x1, x2, component) for component in solution]

    @classmethod
    def solve(cls, density: Density, sigma: float, points: int) -> Self:
        """Return the optimum of a target with d = 2, on `points` per side of its bounds."""
        x1, x2 = (np.linspace(*bounds, points) for bounds in density.support)
        return cls(x1, x2, solve_rcae_2d(density, x1, x2, sigma), sigma)

    def extrapolated(self, coarser: Self) -> Self:
        """Return (4 fine - coarse) / 3, from a solution with twice the step (Richardson).

        Finite volumes err by c h^2 + O(h^4) in the step h, and this leaves O(h^4).
        """
        rough = np.stack([spline(self.x1, self.x2) for spline in coarser._splines])
        return type(self)(self.x1, self.x2, (4 * self.solution - rough) / 3, self.sigma)

    def score(self, x: np.ndarray) -> np.ndarray:
        return np.stack([spline.ev(x[:, 0], x[:, 1]) for spline in self._splines], axis=-1)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        slopes = [
            [spline.ev(x[:, 0], x[:, 1], dx=1), spline.ev(x[:, 0], x[:, 1], dy=1)]
            for spline in self._splines
        ]
        return np.eye(2) + self.sigma**2 * np.moveaxis(np.array(slopes), -1, 0)
