"""Exact references at weighted points, to hold score estimates against."""

from dataclasses import dataclass

import numpy as np

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.fields import Field
from autoscore.metrics import relative_error
from autoscore.optimum.bias import GRID_POINTS, optimal_field
from autoscore.optimum.dae import DenoisingOptimum

PANELS = 30


@dataclass(frozen=True)
class Ruler:
    """A reference score at weighted points, to hold an estimate against.

    Attributes
    ----------
    reference
        ``"p_sigma"``, ``"p"`` or ``"optimum"`` (the best that the objective can do).
    x, weights
        Points ``(n, d)`` and weights ``(n,)`` of the measure: p for the clean score and for the
        contractive optimum, p_sigma for the rest.
    score
        The reference at the points, ``(n, d)``.
    """

    reference: str
    x: np.ndarray
    weights: np.ndarray
    score: np.ndarray

    def error(self, estimate: np.ndarray) -> float:
        """Return the squared relative error of an estimate at the points."""
        return relative_error(estimate, self.score, self.weights)

    def first(self, n: int) -> "Ruler":
        """Return the same at the first n points alone."""
        weights = self.weights[:n] / self.weights[:n].sum()
        return Ruler(self.reference, self.x[:n], weights, self.score[:n])

    def row(self, estimate: np.ndarray, **labels: object) -> dict:
        """Return a row of the error table."""
        return labels | {"reference": self.reference, "relative_error": self.error(estimate)}


def rulers(density: Density, objective: str, sigma: float) -> list[Ruler]:
    """Return the exact references of a one-dimensional density at one noise level.

    For bare points there is no clean score, and the contractive optimum is degenerate (r = x and
    r' = 0 at every point), which leaves p_sigma and, for the DAE, the optimum.

    Parameters
    ----------
    density
        Target with d = 1.
    objective
        ``"dae"`` or ``"rcae"``.
    sigma
        Noise level.
    """
    y, y_weights = density.smoothed(sigma).quadrature(PANELS)
    x, weights = (None, None) if density.is_bare else density.quadrature(PANELS)
    found = _references(density, objective, sigma, y, y_weights, x, weights)
    if objective == "rcae" and x is not None:
        best = optimal_field(density, objective, sigma, GRID_POINTS)
        found.append(Ruler("optimum", x, weights, best.score(x)))
    return found


def sampled_rulers(
    density: Density,
    objective: str,
    sigma: float,
    held_out: np.ndarray,
    rng: np.random.Generator,
    best: Field | None = None,
) -> list[Ruler]:
    """Return the references in any dimension, at held-out draws of p and of p_sigma.

    Parameters
    ----------
    density, objective, sigma
        As for `rulers`.
    held_out
        Draws from p, shape ``(m, d)``.
    rng
        Draws the noise.
    best
        The contractive optimum, where it is solved.
    """
    y = held_out + sigma * rng.standard_normal(held_out.shape)
    equal = np.full(len(y), 1.0 / len(y))
    clean = (None, None) if density.is_bare else (held_out, equal)
    found = _references(density, objective, sigma, y, equal, *clean)
    if objective == "rcae" and best is not None:
        found.append(Ruler("optimum", held_out, equal, best.score(held_out)))
    return found


def _references(
    density: Density,
    objective: str,
    sigma: float,
    y: np.ndarray,
    y_weights: np.ndarray,
    x: np.ndarray | None,
    weights: np.ndarray | None,
) -> list[Ruler]:
    """Return p_sigma and the denoising optimum at y, and the clean score at x."""
    found = [Ruler("p_sigma", y, y_weights, density.smoothed(sigma).score(y))]
    if objective == "dae":
        # the two are the same by statement T1, and so is the work
        found.append(Ruler("optimum", y, y_weights, found[0].score))
    if x is not None:
        found.append(Ruler("p", x, weights, density.score(x)))
    return found


def clean_ruler(density: Density, held_out: np.ndarray) -> Ruler:
    """Return the clean score at held-out draws of p."""
    equal = np.full(len(held_out), 1.0 / len(held_out))
    return Ruler("p", held_out, equal, density.score(held_out))


def empirical_ruler(
    points: np.ndarray, held_out: np.ndarray, sigma: float, rng: np.random.Generator
) -> Ruler:
    """Return the empirical optimum of training points, at held-out points under fresh noise.

    Parameters
    ----------
    points, held_out
        Shapes ``(n, d)`` and ``(m, d)``.
    sigma
        Noise level.
    rng
        Draws the noise.
    """
    y = held_out + sigma * rng.standard_normal(held_out.shape)
    best = DenoisingOptimum(KernelDensity(points), sigma)
    return Ruler("optimum", y, np.full(len(y), 1.0 / len(y)), best.score(y))
