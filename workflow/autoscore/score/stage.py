"""Measuring learned scores against the truth, all of them: the stage `score`."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

import numpy as np
import pandas as pd

from autoscore.baselines.registry import BASELINES
from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.models.conditioned.network import MARGIN
from autoscore.models.registry import Learned
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.optimum.bias import GRID_POINTS, optimal_field
from autoscore.optimum.curves import stored_optimum
from autoscore.score.estimates import CHOICES, measure_baseline, measure_combinations
from autoscore.score.held_out import COLUMNS as LOSSES
from autoscore.score.held_out import held_out_table
from autoscore.score.references import (
    Reference,
    clean_reference,
    empirical_reference,
    exact_references,
    sampled_references,
)
from autoscore.train.stack import Stack

FITTED = 5  # seeds of other estimators, even where one comparison of auto-encoders has more


def measure_optima(density: Density, objectives: list[str], sigmas: np.ndarray) -> Iterator[dict]:
    """Yield the errors of the exact optima themselves: against p they are pure bias."""
    for objective in objectives:
        for sigma in sigmas:
            best = optimal_field(density, objective, sigma, GRID_POINTS)
            for reference in exact_references(density, objective, sigma):
                if reference.name != "optimum":
                    labels = {"objective": objective, "model": "exact", "sigma": sigma}
                    yield reference.row(best.score(reference.x), **labels, seed=None, n=np.inf)


def solved_rows(bias: pd.DataFrame) -> Iterator[dict]:
    """Yield the same from the table of a density whose optima were solved beforehand."""
    for row in bias.itertuples():
        labels = {"objective": row.objective, "model": "exact", "sigma": row.sigma, "seed": None}
        error = {"reference": "p", "relative_error": row.relative_error, "n": np.inf}
        yield labels | error | {"reference_error": 0.0, "resolved": True}


def measure_learned(
    stack: Stack,
    model: str,
    objective: str,
    sigmas: np.ndarray,
    references_at: Callable[[float], list[Reference]],
) -> Iterator[dict]:
    """Yield the error of every member of a stack against every reference.

    Parameters
    ----------
    stack
        Trained auto-encoders.
    model, objective
        How the rows are labelled.
    sigmas
        Noise levels of a conditioned stack.
    references_at
        Returns what to hold a level against.
    """
    for sigma in trained_levels(stack, objective, sigmas):
        for size, seed in stack.trained():
            field = stack.field(sigma, seed, size)
            labels = {"objective": objective, "model": model, "seed": seed, "n": size}
            labels["sigma"] = 0.0 if objective == "ssm" else sigma
            for reference in references_at(sigma):
                yield reference.row(field.score(reference.x), **labels)


def trained_levels(stack: Stack, objective: str, sigmas: np.ndarray) -> Iterable[float]:
    """Return the noise levels at which a stack is measured.

    An separate has its own; a conditioned one is measured at those of `sigmas` in its range;
    sliced score matching has a nominal one.
    """
    if stack.separate:
        return np.unique(stack.sigmas).tolist()
    if objective == "ssm":
        return [stack.high]
    return [sigma for sigma in sigmas if stack.low <= sigma <= stack.high]


COLUMNS = [
    "density", "objective", "model", "sigma", "seed", "reference", "relative_error", "n",
    "reference_error", "resolved",
]  # fmt: skip


def error_table(density: str, rows: Iterator[dict]) -> pd.DataFrame:
    """Return rows as a tidy table in the order of `COLUMNS`."""
    table = pd.DataFrame([{"density": density} | row for row in rows], columns=COLUMNS)
    return table.astype({"seed": "Int64"})


def measure(
    name: str,
    settings: dict,
    data: dict[str, np.ndarray],
    density: Density,
    learned: Learned,
    streams: tuple[int, str],
    solved: tuple[dict[str, np.ndarray], pd.DataFrame] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return all tables of the learned scores of one density.

    Parameters
    ----------
    name, settings
        The density's name; ``sigmas``, the noise grid, and ``baselines``, their names.
    data
        What `autoscore.data.draw_data` returned.
    density
        What is learned.
    learned
        Trained stacks by (objective, model, source).
    streams
        Names the random streams that draw noise and landmarks.
    solved
        What `autoscore.optimum.stage.solve` returned, in two dimensions.

    Returns
    -------
    dict
        ``errors``, with `COLUMNS`; ``choices``, which levels were put together; and ``held_out``,
        of a user's points, see `autoscore.score.held_out.held_out_table`.
    """
    sigmas = noise_levels(settings["sigmas"])
    references = _references(density, data, streams, solved)
    rows: list[dict] = []
    if solved:
        rows += solved_rows(solved[1])
    elif density.dim == 1 and not density.is_degenerate:
        rows += measure_optima(density, sorted({what for what, _, _ in learned}), sigmas)
    for (objective, model, _), stack in learned.items():
        rows += measure_learned(stack, model, objective, sigmas, partial(references, objective))
    choices: list[dict] = []
    if not isinstance(density, KernelDensity) and len(data["validation"]):
        if settings["baselines"]:
            denoised = {sigma: references("dae", sigma) for sigma in sigmas}
            rows += measure_baselines(data, settings["baselines"], learned, denoised, streams)
        combined = [] if density.is_degenerate or density.dim == 1 else learned.items()
        for (objective, model, _), stack in combined:
            if objective == "dae" and _spans(stack, sigmas):
                pairs = measure_combinations(stack, model, data, references("ssm", 0.0)[0])
                for row, choice in pairs:
                    rows += [row] if row else []
                    choices.append({"density": name} | choice)
    columns = ["density", *CHOICES]
    found = {"errors": error_table(name, rows), "choices": pd.DataFrame(choices, columns=columns)}
    own = pd.DataFrame(columns=[*LOSSES, "density"])
    if isinstance(density, KernelDensity) and len(data["held_out"]):
        rng = generator(*streams, "held_out")
        own = held_out_table(data, learned, sigmas, rng).assign(density=name)
    return found | {"held_out": own}


def _spans(stack: Stack, sigmas: np.ndarray) -> bool:
    """Return whether a stack is conditioned, and on this noise grid rather than another one."""
    if stack.separate:
        return False
    return bool(np.allclose([stack.low * MARGIN, stack.high / MARGIN], sigmas[[0, -1]]))


def _references(
    density: Density,
    data: dict[str, np.ndarray],
    streams: tuple[int, str],
    solved: tuple[dict[str, np.ndarray], pd.DataFrame] | None,
) -> Callable[[str, float], list[Reference]]:
    """Return a function from objective and level to references, computed once."""
    held_out = data["held_out"]

    @cache
    def references(objective: str, sigma: float) -> list[Reference]:
        if not len(held_out):
            return exact_references(density, objective, sigma)
        noise = generator(*streams)  # the same at every level, whatever other levels there are
        if isinstance(density, KernelDensity):
            return [empirical_reference(data["train"][0], held_out, sigma, noise)]
        if objective == "ssm":
            return [clean_reference(density, held_out)]
        best = stored_optimum(solved[0], sigma) if solved else None
        change = _discretisation(solved[1], sigma) if solved else np.nan
        return sampled_references(density, objective, sigma, held_out, noise, best, change)

    return references


def _discretisation(bias: pd.DataFrame, sigma: float) -> float:
    """Return how much a contractive optimum changed when its grid was made coarser."""
    rows = bias[(bias["objective"] == "rcae") & np.isclose(bias["sigma"], sigma, rtol=1e-9)]
    return float(rows["discretisation"].max())


def measure_baselines(
    data: dict[str, np.ndarray],
    names: list[str],
    learned: Learned,
    references: dict[float, list[Reference]],
    streams: tuple[int, str],
) -> Iterator[dict]:
    """Yield the errors of baselines on the points that the auto-encoders had."""
    for size, seeds in learned_sizes(learned).items():
        points = (data["train"][: min(seeds, FITTED)], data["validation"], size)
        for name in names:
            yield from measure_baseline(BASELINES[name], *points, references, streams)


def learned_sizes(learned: Learned) -> dict[int, int]:
    """Return all finite numbers of points that something was trained on, and of seeds with each."""
    seeds: dict[int, int] = {}
    for stack in learned.values():
        for size, seed in zip(stack.sizes.tolist(), stack.seeds.tolist(), strict=True):
            if np.isfinite(size):
                seeds[int(size)] = max(seeds.get(int(size), 0), seed + 1)
    return dict(sorted(seeds.items()))
