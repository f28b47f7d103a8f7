"""Exact references at weighted points, to hold score estimates against."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.fields import Field
from autoscore.numerics.errors import constant_factor, relative_error
from autoscore.optimum.bias import GRID_POINTS, coarser_field, optimal_field
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.wording import require

PANELS = 30
RESOLVED = 1e-3  # a reference whose own squared relative error is larger does not count
CHECKED = 20  # points in the plane at which a reference is also computed at lower resolution


@dataclass(frozen=True)
class Reference:
    """A score ``(n, d)`` at weighted points ``(n, d)``, to hold an estimate against.

    It is named ``p_sigma``, ``p`` or ``optimum`` (the best that the objective can do). The points
    stand for p, for the clean score and for the contractive optimum, or else for p_sigma. Its own
    squared relative error is estimated at lower resolution, and 0 in closed form.
    """

    name: str
    x: np.ndarray
    weights: np.ndarray
    score: np.ndarray
    own_error: float = 0.0

    def error(self, estimate: np.ndarray) -> float:
        """Return the squared relative error of an estimate at the points."""
        return relative_error(estimate, self.score, self.weights)

    def compared(self, estimate: np.ndarray) -> dict:
        """Return `row` of an estimate at the points, and how it is a multiple of a score."""
        found = self.row(self.error(estimate))
        if self.name != "optimum":
            found |= constant_factor(estimate, self.score, self.weights)
        return found

    def first(self, n: int) -> "Reference":
        """Return the same at the first n points alone."""
        weights = self.weights[:n] / self.weights[:n].sum()
        return Reference(self.name, self.x[:n], weights, self.score[:n], self.own_error)

    def row(self, error: float) -> dict:
        """Return what a row of the error table says of an error against this reference."""
        return {
            "reference": self.name,
            "relative_error": error,
            "reference_error": self.own_error,
            "resolved": self.own_error < RESOLVED,
        }


@lru_cache(maxsize=32)
def smoothed_at(density: Density, sigma: float) -> Density:
    """Return p_sigma, kept with what its first use in the plane prepares for a second."""
    return density.smoothed(sigma)


def exact_references(density: Density, objective: str, sigma: float) -> list[Reference]:
    """Return the exact references of a one-dimensional density at one noise level, by quadrature.

    Degenerate points have no clean score, and their contractive optimum is degenerate as well
    (r = x and r' = 0 at every point): that leaves p_sigma and, for the DAE, the optimum.
    """
    noisy = density.smoothed(sigma).quadrature(PANELS)
    if density.is_degenerate:
        return _references(density, objective, sigma, noisy)
    x, weights = density.quadrature(PANELS)
    found = _references(density, objective, sigma, noisy, (x, weights))
    if objective == "rcae":
        best = optimal_field(density, objective, sigma, GRID_POINTS).score(x)
        rough = coarser_field(density, objective, sigma, GRID_POINTS).score(x)
        found.append(Reference("optimum", x, weights, best, relative_error(rough, best, weights)))
    return found


def sampled_references(
    density: Density,
    objective: str,
    sigma: float,
    held_out: np.ndarray,
    rng: np.random.Generator,
    best: Field | None = None,
    discretisation: float = np.nan,
) -> list[Reference]:
    """Return the references in any dimension, at held-out draws ``(m, d)`` of p and of p_sigma.

    The contractive optimum `best` is among them if it was solved and its squared relative change
    on a coarser grid, `discretisation`, is small. Raise ValueError without draws.
    """
    equal = _equal_weights(held_out)
    y = held_out + sigma * rng.standard_normal(held_out.shape)
    clean = None if density.is_degenerate else (held_out, equal)
    found = _references(density, objective, sigma, (y, equal), clean)
    if objective == "rcae" and best is not None and discretisation < RESOLVED:
        score = best.score(held_out)
        found.append(Reference("optimum", held_out, equal, score, discretisation))
    return found


def _references(
    density: Density,
    objective: str,
    sigma: float,
    noisy: tuple[np.ndarray, np.ndarray],
    clean: tuple[np.ndarray, np.ndarray] | None = None,
) -> list[Reference]:
    """Return p_sigma and the denoising optimum at noisy points, and the clean score."""
    y, weights = noisy
    smoothed = smoothed_at(density, sigma)
    score, few = smoothed.score(y), slice(None if density.dim == 1 else CHECKED)
    rough = smoothed.coarser().score(y[few])
    own_error = relative_error(rough, score[few], weights[few])
    found = [Reference("p_sigma", y, weights, score, own_error)]
    if objective == "dae":
        # statement T1: the two are the same, so the second costs nothing
        found.append(Reference("optimum", y, weights, score, own_error))
    if clean is not None:
        found.append(Reference("p", *clean, density.score(clean[0])))
    return found


def clean_reference(density: Density, held_out: np.ndarray) -> Reference:
    """Return the clean score at one or more held-out draws of p."""
    return Reference("p", held_out, _equal_weights(held_out), density.score(held_out))


def empirical_reference(
    points: np.ndarray, held_out: np.ndarray, sigma: float, rng: np.random.Generator
) -> Reference:
    """Return the empirical optimum of training points, at held-out points under fresh noise."""
    y = held_out + sigma * rng.standard_normal(held_out.shape)
    best = DenoisingOptimum(KernelDensity(points), sigma)
    return Reference("optimum", y, _equal_weights(held_out), best.score(y))


def _equal_weights(held_out: np.ndarray) -> np.ndarray:
    require("a reference", len(held_out))
    return np.full(len(held_out), 1.0 / len(held_out))
