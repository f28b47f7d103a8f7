"""Measuring learned scores against the truth."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autoscore.autoencoders.conditioned import Conditioned
from autoscore.autoencoders.ensemble import Ensemble
from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity, fit_bandwidth
from autoscore.grids import noise_levels
from autoscore.metrics import fixed_points, relative_error
from autoscore.optimum.bias import optimal_field
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
    density: Density, objective: str, sigma: float, held_out: np.ndarray, rng: np.random.Generator
) -> list[Ruler]:
    """Return the references in any dimension, at held-out draws of p and of p_sigma.

    There is no contractive optimum among them: it is solved in one dimension.

    Parameters
    ----------
    density, objective, sigma
        As for `rulers`.
    held_out
        Draws from p, shape ``(m, d)``.
    rng
        Draws the noise.
    """
    y = held_out + sigma * rng.standard_normal(held_out.shape)
    equal = np.full(len(y), 1.0 / len(y))
    clean = (None, None) if density.is_bare else (held_out, equal)
    return _references(density, objective, sigma, y, equal, *clean)


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


def measure_learned(
    stack: Ensemble | Conditioned,
    model: str,
    objective: str,
    sigmas: np.ndarray,
    rulers_at: dict[float, list[Ruler]],
) -> Iterator[dict]:
    """Yield the error of every member of a stack against every ruler.

    Parameters
    ----------
    stack
        Trained auto-encoders.
    model, objective
        How the rows are labelled.
    sigmas
        Noise levels.
    rulers_at
        What to hold each level against.
    """
    members = sorted(set(zip(stack.sizes.tolist(), stack.seeds.tolist(), strict=True)))
    for sigma in sigmas:
        for size, seed in members:
            field = stack.field(sigma, seed, size)
            labels = {"objective": objective, "model": model, "sigma": sigma, "seed": seed}
            for ruler in rulers_at[sigma]:
                yield _row(ruler, field.score(ruler.x), **labels, n=size)


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
    """
    sigmas = noise_levels(settings["sigmas"])
    held_out = data["held_out"]

    def references(objective: str, sigma: float) -> list[Ruler]:
        if not len(held_out):
            return rulers(density, objective, sigma)
        noise = copy.deepcopy(rng)  # the same at every level, whatever other levels there are
        if isinstance(density, KernelDensity):
            return [empirical_ruler(data["train"][0], held_out, sigma, noise)]
        return sampled_rulers(density, objective, sigma, held_out, noise)

    objectives = sorted({objective for objective, _, _ in learned})
    found = {
        objective: {sigma: references(objective, sigma) for sigma in sigmas}
        for objective in objectives
    }
    rows: list[dict] = []
    if density.dim == 1 and not density.is_bare:
        rows += measure_optima(density, objectives, sigmas)
    for (objective, model, _), stack in learned.items():
        rows += measure_learned(stack, model, objective, sigmas, found[objective])
    if not isinstance(density, KernelDensity) and "dae" in found and len(data["validation"]):
        for size in settings["sizes"]:
            if size != "exact":
                rows += measure_kernel_density(
                    data["train"], data["validation"], size, found["dae"]
                )
    return error_table(name, rows)


def displacement_curves(
    density: Density,
    learned: dict[tuple[str, str, str], Ensemble | Conditioned],
    settings: dict,
    x: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return r(x) - x of the best and of the learned reconstructions of a density itself.

    Parameters
    ----------
    density
        Target with d = 1.
    learned
        Trained stacks by (objective, model, source).
    settings
        The ``train`` section of the density's configuration.
    x
        Grid of shape ``(n,)``.

    Returns
    -------
    dict
        The grid ``x``, the levels ``sigmas``; for each objective ``best_dae`` and so on, of shape
        ``(levels, n)``, and ``dae`` and so on, of shape ``(levels, seeds, n)``.
    """
    sigmas = noise_levels(settings["sigmas"])
    columns = x[:, None]
    curves = {"x": x, "sigmas": sigmas}
    for (objective, _, source), stack in learned.items():
        if source != "exact":
            continue
        fields = [[stack.field(sigma, k) for k in range(settings["seeds"])] for sigma in sigmas]
        curves[objective] = np.array(
            [[(field(columns) - columns)[:, 0] for field in level] for level in fields]
        )
        if objective == "dae" or not density.is_bare:
            best = [optimal_field(density, objective, sigma, GRID_POINTS) for sigma in sigmas]
            curves[f"best_{objective}"] = np.array([(r(columns) - columns)[:, 0] for r in best])
    return curves


def fixed_point_table(curves: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return where the reconstructions of `displacement_curves` leave x as it is.

    Returns
    -------
    pandas.DataFrame
        A row a fixed point: objective, model (``exact`` or ``ensemble``), sigma, seed, x, stable.
    """
    rows = []
    for objective in ("dae", "rcae"):
        for level, sigma in enumerate(curves["sigmas"]):
            found = []
            if f"best_{objective}" in curves:
                found.append(("exact", None, curves[f"best_{objective}"][level]))
            if objective in curves:
                seeds = enumerate(curves[objective][level])
                found += [("ensemble", seed, displacement) for seed, displacement in seeds]
            for model, seed, displacement in found:
                labels = {"objective": objective, "model": model, "sigma": sigma, "seed": seed}
                points = zip(*fixed_points(curves["x"], displacement), strict=True)
                rows += [labels | {"x": x, "stable": stable} for x, stable in points]
    columns = ["objective", "model", "sigma", "seed", "x", "stable"]
    return pd.DataFrame(rows, columns=columns).astype({"seed": "Int64"})
