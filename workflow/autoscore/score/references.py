"""Exact references at weighted points, to hold score estimates against."""

from dataclasses import dataclass

import numpy as np

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.fields import Field
from autoscore.numerics.errors import relative_error
from autoscore.optimum.bias import GRID_POINTS, coarser_field, optimal_field
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.wording import require

PANELS = 30
RESOLVED = 1e-3  # of a reference's own error, up to which it is one
CHECKED = 20  # points in the plane at which a reference is computed in another way


@dataclass(frozen=True)
class Reference:
    """A reference score at weighted points, to hold an estimate against.

    Attributes
    ----------
    name
        ``"p_sigma"``, ``"p"`` or ``"optimum"`` (the best that the objective can do).
    x, weights
        Points ``(n, d)`` and weights ``(n,)`` of the measure: p for the clean score and for the
        contractive optimum, p_sigma for the rest.
    score
        The reference at the points, ``(n, d)``.
    own_error
        The reference's own squared relative error, as a computation at lower resolution tells it;
        0 in closed form.
    """

    name: str
    x: np.ndarray
    weights: np.ndarray
    score: np.ndarray
    own_error: float = 0.0

    def error(self, estimate: np.ndarray) -> float:
        """Return the squared relative error of an estimate at the points."""
        return relative_error(estimate, self.score, self.weights)

    def first(self, n: int) -> "Reference":
        """Return the same at the first n points alone."""
        weights = self.weights[:n] / self.weights[:n].sum()
        return Reference(self.name, self.x[:n], weights, self.score[:n], self.own_error)

    def row(self, estimate: np.ndarray, **labels: object) -> dict:
        """Return a row of the error table."""
        return labels | self.row_of(self.error(estimate))

    def row_of(self, error: float) -> dict:
        """Return what a row of the error table says of an error that is known already."""
        return {
            "reference": self.name,
            "relative_error": error,
            "reference_error": self.own_error,
            "resolved": self.own_error < RESOLVED,
        }


def exact_references(density: Density, objective: str, sigma: float) -> list[Reference]:
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
    x, weights = (None, None) if density.is_degenerate else density.quadrature(PANELS)
    found = _references(density, objective, sigma, y, y_weights, x, weights)
    if objective == "rcae" and x is not None:
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
    """Return the references in any dimension, at held-out draws of p and of p_sigma.

    Parameters
    ----------
    density, objective, sigma
        As for `exact_references`.
    held_out
        Draws from p, shape ``(m, d)``.
    rng
        Draws the noise.
    best, discretisation
        The contractive optimum, where it is solved, and its squared relative change on a coarser
        grid. It is left out where that is large.

    Raises
    ------
    ValueError
        If there are no held-out draws.
    """
    equal = _equal_weights(held_out)
    y = held_out + sigma * rng.standard_normal(held_out.shape)
    clean = (None, None) if density.is_degenerate else (held_out, equal)
    found = _references(density, objective, sigma, y, equal, *clean)
    if objective == "rcae" and best is not None and discretisation < RESOLVED:
        score = best.score(held_out)
        found.append(Reference("optimum", held_out, equal, score, discretisation))
    return found


def _references(
    density: Density,
    objective: str,
    sigma: float,
    y: np.ndarray,
    y_weights: np.ndarray,
    x: np.ndarray | None,
    weights: np.ndarray | None,
) -> list[Reference]:
    """Return p_sigma and the denoising optimum at y, and the clean score at x."""
    smoothed = density.smoothed(sigma)
    score, few = smoothed.score(y), slice(None if density.dim == 1 else CHECKED)
    rough = smoothed.coarser().score(y[few])
    own_error = relative_error(rough, score[few], y_weights[few])
    found = [Reference("p_sigma", y, y_weights, score, own_error)]
    if objective == "dae":
        # the two are the same by statement T1, and so is the work
        found.append(Reference("optimum", y, y_weights, score, own_error))
    if x is not None:
        found.append(Reference("p", x, weights, density.score(x)))
    return found


def clean_reference(density: Density, held_out: np.ndarray) -> Reference:
    """Return the clean score at held-out draws of p, one or more."""
    return Reference("p", held_out, _equal_weights(held_out), density.score(held_out))


def _equal_weights(held_out: np.ndarray) -> np.ndarray:
    require("a reference", len(held_out))
    return np.full(len(held_out), 1.0 / len(held_out))


def empirical_reference(
    points: np.ndarray, held_out: np.ndarray, sigma: float, rng: np.random.Generator
) -> Reference:
    """Return the empirical optimum of training points, at held-out points under fresh noise.

    Parameters
    ----------
    points, held_out
        Shapes ``(n, d)`` and ``(m, d)``, n and m >= 1.
    sigma
        Noise level.
    rng
        Draws the noise.
    """
    y = held_out + sigma * rng.standard_normal(held_out.shape)
    best = DenoisingOptimum(KernelDensity(points), sigma)
    return Reference("optimum", y, _equal_weights(held_out), best.score(y))
