"""Exact references at weighted points, to hold score estimates against."""

from dataclasses import dataclass, replace
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
    found = _by_quadrature(density, sigma)
    if objective != "rcae" or density.is_degenerate:
        return with_optimum(found, objective)
    best = optimal_field(density, objective, sigma, GRID_POINTS)
    x, weights = found[-1].x, found[-1].weights
    rough = coarser_field(density, objective, sigma, GRID_POINTS).score(x)
    return with_optimum(found, objective, best, relative_error(rough, best.score(x), weights))


@lru_cache(maxsize=32)
def _by_quadrature(density: Density, sigma: float) -> list[Reference]:
    found = [noisy_reference(density, sigma, *density.smoothed(sigma).quadrature(PANELS))]
    if density.is_degenerate:
        return found
    return [*found, exact_clean_reference(density)]


def exact_clean_reference(density: Density) -> Reference:
    """Return the clean score of a one-dimensional density, under p by quadrature."""
    x, weights = density.quadrature(PANELS)
    return Reference("p", x, weights, density.score(x))


def noisy_reference(
    density: Density,
    sigma: float,
    y: np.ndarray,
    weights: np.ndarray | None = None,
    own_error: float | None = None,
) -> Reference:
    """Return the score of p_sigma at points ``(n, d)`` from p_sigma, by default of equal weights.

    Its `own_error` is measured unless it is known.
    """
    weights = equal_weights(y) if weights is None else weights
    smoothed = smoothed_at(density, sigma)
    score = smoothed.score(y)
    if own_error is None:
        few = slice(None if density.dim == 1 else CHECKED)
        rough = smoothed.coarser().score(y[few])
        own_error = relative_error(rough, score[few], weights[few])
    return Reference("p_sigma", y, weights, score, own_error)


def sampled_references(
    density: Density,
    sigma: float,
    held_out: np.ndarray,
    rng: np.random.Generator,
    own_error: float | None = None,
) -> list[Reference]:
    """Return the scores of p_sigma and p in any dimension, at draws ``(m, d)`` under noise.

    A degenerate density has no p. Raise ValueError without draws.
    """
    y = held_out + sigma * rng.standard_normal(held_out.shape)
    noisy = noisy_reference(density, sigma, y, own_error=own_error)
    return [noisy] if density.is_degenerate else [noisy, clean_reference(density, held_out)]


def with_optimum(
    known: list[Reference], objective: str, best: Field | None = None, own_error: float = np.nan
) -> list[Reference]:
    """Return the scores of p_sigma and, if `known`, of p, with the optimum of an objective.

    That of the DAE is the score of p_sigma. The contractive one is measured under p, if the field
    is given as `best`, with a squared relative error of its own.
    """
    noisy, *clean = known
    if objective == "dae":
        # statement T1: the two are the same, so the second costs nothing
        return [noisy, replace(noisy, name="optimum"), *clean]
    if best is None or not clean:
        return known
    x, weights = clean[0].x, clean[0].weights
    return [*known, Reference("optimum", x, weights, best.score(x), own_error)]


def clean_reference(density: Density, held_out: np.ndarray) -> Reference:
    """Return the clean score at one or more held-out draws of p."""
    return Reference("p", held_out, equal_weights(held_out), density.score(held_out))


def empirical_reference(
    points: np.ndarray, held_out: np.ndarray, sigma: float, rng: np.random.Generator
) -> Reference:
    """Return the empirical optimum of training points, at held-out points under fresh noise."""
    y = held_out + sigma * rng.standard_normal(held_out.shape)
    best = DenoisingOptimum(KernelDensity(points), sigma)
    return Reference("optimum", y, equal_weights(held_out), best.score(y))


def equal_weights(held_out: np.ndarray) -> np.ndarray:
    """Return weights ``(n,)`` that sum to 1; raise ValueError without points."""
    require("a reference", len(held_out))
    return np.full(len(held_out), 1.0 / len(held_out))
