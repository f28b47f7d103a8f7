"""Measuring learned scores against the truth."""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import pandas as pd

from autoscore.autoencoders.conditioned import Conditioned
from autoscore.autoencoders.ensemble import Ensemble
from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity, fit_bandwidth
from autoscore.fields import Field
from autoscore.grids import noise_levels
from autoscore.metrics import relative_error
from autoscore.optimum.bias import optimal_field
from autoscore.optimum.curves import stored_optimum
from autoscore.optimum.dae import DenoisingOptimum

GRID_POINTS = 20_001
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


def _row(ruler: Ruler, estimate: np.ndarray, **labels: object) -> dict:
    return labels | {"reference": ruler.reference, "relative_error": ruler.error(estimate)}


def measure_optima(density: Density, objectives: list[str], sigmas: np.ndarray) -> Iterator[dict]:
    """Yield the errors of the exact optima themselves: against p they are pure bias."""
    for objective in objectives:
        for sigma in sigmas:
            best = optimal_field(density, objective, sigma, GRID_POINTS)
            for ruler in rulers(density, objective, sigma):
                if ruler.reference != "optimum":
                    labels = {"objective": objective, "model": "exact", "sigma": sigma}
                    yield _row(ruler, best.score(ruler.x), **labels, seed=None, n=np.inf)


def solved_rows(bias: pd.DataFrame) -> Iterator[dict]:
    """Yield the same from the table of a density whose optima were solved beforehand."""
    for row in bias.itertuples():
        labels = {"objective": row.objective, "model": "exact", "sigma": row.sigma, "seed": None}
        error = {"reference": "p", "relative_error": row.relative_error}
        yield labels | error | {"n": np.inf}


def measure_learned(
    stack: Ensemble | Conditioned,
    model: str,
    objective: str,
    sigmas: np.ndarray,
    rulers_at: Callable[[float], list[Ruler]],
) -> Iterator[dict]:
    """Yield the error of every member of a stack against every ruler.

    Parameters
    ----------
    stack
        Trained auto-encoders.
    model, objective
        How the rows are labelled.
    sigmas
        Noise levels of a conditioned stack.
    rulers_at
        Returns what to hold a level against.
    """
    members = sorted(set(zip(stack.sizes.tolist(), stack.seeds.tolist(), strict=True)))
    for sigma in trained_levels(stack, objective, sigmas):
        for size, seed in members:
            field = stack.field(sigma, seed, size)
            labels = {"objective": objective, "model": model, "seed": seed, "n": size}
            labels["sigma"] = 0.0 if objective == "ssm" else sigma
            for ruler in rulers_at(sigma):
                yield _row(ruler, field.score(ruler.x), **labels)


def trained_levels(
    stack: Ensemble | Conditioned, objective: str, sigmas: np.ndarray
) -> Iterable[float]:
    """Return the noise levels at which a stack is measured.

    An ensemble has its own; a conditioned one is measured at those of `sigmas` in its range;
    sliced score matching has a nominal one.
    """
    if isinstance(stack, Ensemble):
        return np.unique(stack.sigmas).tolist()
    if objective == "ssm":
        return [stack.high]
    return [sigma for sigma in sigmas if stack.low <= sigma <= stack.high]


def measure_kernel_density(
    train: np.ndarray, validation: np.ndarray, size: int, rulers_at: dict[float, list[Ruler]]
) -> Iterator[dict]:
    """Yield what the best kernel density estimate makes of the same points.

    Its bandwidth is the likeliest on the validation points; noise is added to it exactly. The
    clean score has no noise level: these rows have sigma 0.

    Parameters
    ----------
    train
        Shape ``(seeds, n, d)``; the first `size` points of each seed are used.
    validation
        Shape ``(m, d)``.
    size
        Number of points.
    rulers_at
        The denoising rulers at each noise level.
    """
    for seed, points in enumerate(train):
        estimate = fit_bandwidth(points[:size], validation)
        labels = {"objective": "dae", "model": "kde", "seed": seed, "n": size}
        for index, (sigma, found) in enumerate(rulers_at.items()):
            smoothed = estimate.smoothed(sigma)
            for ruler in found:
                if ruler.reference == "p_sigma":
                    yield _row(ruler, smoothed.score(ruler.x), **labels, sigma=sigma)
                elif ruler.reference == "p" and index == 0:
                    yield _row(ruler, estimate.score(ruler.x), **labels, sigma=0.0)


COLUMNS = ["density", "objective", "model", "sigma", "seed", "reference", "relative_error", "n"]


def error_table(density: str, rows: Iterator[dict]) -> pd.DataFrame:
    """Return rows as a tidy table in the order of `COLUMNS`."""
    table = pd.DataFrame([{"density": density} | row for row in rows], columns=COLUMNS)
    return table.astype({"seed": "Int64"})


def measure(
    name: str,
    settings: dict,
    data: dict[str, np.ndarray],
    density: Density,
    learned: dict[tuple[str, str, str], Ensemble | Conditioned],
    rng: np.random.Generator,
    solved: tuple[dict[str, np.ndarray], pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Return the whole error table of one density.

    Parameters
    ----------
    name, settings
        The density's name and the ``train`` section of its configuration.
    data
        What `autoscore.data.make_data` returned.
    density
        What is learned.
    learned
        Trained stacks by (objective, model, source).
    rng
        Draws the noise where the measurement is over samples.
    solved
        What `autoscore.optimum.solve.solve` returned, in two dimensions.
    """
    sigmas = noise_levels(settings["sigmas"])
    held_out = data["held_out"]

    @cache
    def references(objective: str, sigma: float) -> list[Ruler]:
        if not len(held_out):
            return rulers(density, objective, sigma)
        noise = copy.deepcopy(rng)  # the same at every level, whatever other levels there are
        if isinstance(density, KernelDensity):
            return [empirical_ruler(data["train"][0], held_out, sigma, noise)]
        if objective == "ssm":
            return [clean_ruler(density, held_out)]
        best = stored_optimum(solved[0], sigma) if solved else None
        return sampled_rulers(density, objective, sigma, held_out, noise, best)

    rows: list[dict] = []
    if solved:
        rows += solved_rows(solved[1])
    elif density.dim == 1 and not density.is_bare:
        rows += measure_optima(density, sorted({what for what, _, _ in learned}), sigmas)
    for (objective, model, _), stack in learned.items():
        rows += measure_learned(stack, model, objective, sigmas, partial(references, objective))
    denoised = {sigma: references("dae", sigma) for sigma in sigmas}
    if not isinstance(density, KernelDensity) and len(data["validation"]):
        for size in sample_sizes(learned):
            rows += measure_kernel_density(data["train"], data["validation"], size, denoised)
    return error_table(name, rows)


def sample_sizes(learned: dict[tuple[str, str, str], Ensemble | Conditioned]) -> list[int]:
    """Return all finite numbers of points that something was trained on."""
    sizes = {size for stack in learned.values() for size in stack.sizes.tolist()}
    return sorted(int(size) for size in sizes if np.isfinite(size))
