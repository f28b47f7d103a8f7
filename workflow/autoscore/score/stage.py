"""Measuring score estimates against the truth, all of them: the stage `score`."""

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
from autoscore.score.estimates import CHOICES, baseline_rows, combination_rows
from autoscore.score.factors import factor_table, null_factors, optimum_factors
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

FITTED = 5  # seeds on which baselines are fitted, even where auto-encoders have more
COLUMNS = [
    "density", "objective", "model", "sigma", "seed", "reference", "relative_error", "n",
    "reference_error", "resolved",
]  # fmt: skip
Solved = tuple[dict[str, np.ndarray], pd.DataFrame]  # curves and bias of a density in the plane


def measure(
    name: str,
    settings: dict,
    data: dict[str, np.ndarray],
    density: Density,
    learned: Learned,
    streams: tuple[int, str],
    solved: Solved | None = None,
) -> dict[str, pd.DataFrame]:
    """Return all tables of the scores learned on one density, given its name.

    The tables are ``errors``, with `COLUMNS`; ``factors``, the same fields and trivial ones as
    multiples of a known score; ``choices``, which levels were combined; and ``held_out``, the losses on a user's held-out points. `settings` are the noise grid ``sigmas``
    and the names of ``baselines``, `data` comes from `autoscore.data.draw_data`, `streams` names
    the random streams of noise and baselines. In two dimensions curves and bias are `solved` by
    `autoscore.optimum.stage.solve`.
    """
    sigmas = noise_levels(settings["sigmas"])
    references = _references(density, data, streams, solved)
    rows: list[dict] = []
    factors: list[dict] = []
    objectives = sorted({what for what, _, _ in learned})
    if solved:
        rows += solved_rows(solved[1])
    elif density.dim == 1 and not density.is_degenerate:
        rows += optimum_rows(density, objectives, sigmas)
    for (objective, model, _), stack in learned.items():
        rows += learned_rows(stack, model, objective, sigmas, partial(references, objective))
    choices: list[dict] = []
    if not isinstance(density, KernelDensity) and len(data["validation"]):
        denoised = {sigma: references("dae", sigma) for sigma in sigmas}
        for size, seeds in learned_sizes(learned).items():
            points = (data["train"][: min(seeds, FITTED)], data["validation"], size)
            for baseline in map(BASELINES.get, settings["baselines"]):
                rows += baseline_rows(baseline, *points, denoised, streams)
            factors += null_factors(*points, denoised, streams)
        if density.dim > 1:
            known = [what for what in objectives if what != "ssm"]
            factors += optimum_factors(density, known, sigmas, references)
        combined = [] if density.is_degenerate or density.dim == 1 else learned.items()
        for (objective, model, _), stack in combined:
            if objective == "dae" and _spans(stack, sigmas):
                pairs = combination_rows(stack, model, data, references("ssm", 0.0)[0])
                for row, choice in pairs:
                    rows += [row] if row else []
                    choices.append({"density": name} | choice)
    held_out = pd.DataFrame(columns=[*LOSSES, "density"])
    if isinstance(density, KernelDensity) and len(data["held_out"]):
        rng = generator(*streams, "held_out")
        held_out = held_out_table(data, learned, sigmas, rng).assign(density=name)
    return {
        "errors": error_table(name, rows),
        "factors": factor_table(name, rows + factors),
        "choices": pd.DataFrame(choices, columns=["density", *CHOICES]),
        "held_out": held_out,
    }


def error_table(density: str, rows: Iterable[dict]) -> pd.DataFrame:
    """Return rows as a tidy table in the order of `COLUMNS`."""
    table = pd.DataFrame([{"density": density} | row for row in rows], columns=COLUMNS)
    return table.astype({"seed": "Int64"})


def optimum_rows(density: Density, objectives: list[str], sigmas: np.ndarray) -> Iterator[dict]:
    """Yield the errors of the exact optima themselves: against p they are pure bias."""
    for objective in objectives:
        for sigma in sigmas:
            best = optimal_field(density, objective, sigma, GRID_POINTS)
            labels = {"objective": objective, "model": "exact", "sigma": sigma, "n": np.inf}
            for reference in exact_references(density, objective, sigma):
                if reference.name != "optimum":
                    yield labels | reference.compared(best.score(reference.x))


def solved_rows(bias: pd.DataFrame) -> Iterator[dict]:
    """Yield the same from the bias table of a density whose optima were solved beforehand."""
    for row in bias.itertuples():
        labels = {"objective": row.objective, "model": "exact", "sigma": row.sigma}
        error = {"reference": "p", "relative_error": row.relative_error, "n": np.inf}
        yield labels | error | {"reference_error": 0.0, "resolved": True}


def learned_rows(
    stack: Stack,
    model: str,
    objective: str,
    sigmas: np.ndarray,
    references_at: Callable[[float], list[Reference]],
) -> Iterator[dict]:
    """Yield the error of every member of a stack against every reference.

    A stack of separate auto-encoders is measured at its own levels, a conditioned one at those of
    `sigmas` in its range. Sliced score matching learns the clean score, under a nominal level.
    """
    for sigma in [stack.high] if objective == "ssm" else stack.levels(sigmas):
        for size, seed in stack.trained():
            field = stack.field(sigma, seed, size)
            labels = {"objective": objective, "model": model, "seed": seed, "n": size}
            labels["sigma"] = 0.0 if objective == "ssm" else sigma
            for reference in references_at(sigma):
                yield labels | reference.compared(field.score(reference.x))


def learned_sizes(learned: Learned) -> dict[int, int]:
    """Return all finite numbers of points that were trained on, and the seeds with each."""
    seeds: dict[int, int] = {}
    for stack in learned.values():
        for size, seed in zip(stack.sizes.tolist(), stack.seeds.tolist(), strict=True):
            if np.isfinite(size):
                seeds[int(size)] = max(seeds.get(int(size), 0), seed + 1)
    return dict(sorted(seeds.items()))


def _spans(stack: Stack, sigmas: np.ndarray) -> bool:
    """Return whether a stack is conditioned, and on this noise grid rather than another one."""
    if stack.separate:
        return False
    return bool(np.allclose([stack.low * MARGIN, stack.high / MARGIN], sigmas[[0, -1]]))


def _references(
    density: Density, data: dict[str, np.ndarray], streams: tuple[int, str], solved: Solved | None
) -> Callable[[str, float], list[Reference]]:
    """Return a function from objective and level to references, each computed once."""
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
        if not solved:
            return sampled_references(density, objective, sigma, held_out, noise)
        curves, bias = solved
        level = np.isclose(bias["sigma"], sigma, rtol=1e-9) & (bias["objective"] == "rcae")
        best, change = stored_optimum(curves, sigma), float(bias["discretisation"][level].max())
        return sampled_references(density, objective, sigma, held_out, noise, best, change)

    return references
