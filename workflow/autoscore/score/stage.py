"""Measuring score estimates against the truth, all of them: the stage `score`."""

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.fields import Field
from autoscore.models.conditioned.network import MARGIN
from autoscore.models.registry import Learned
from autoscore.nulls import fits, places
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.optimum.bias import GRID_POINTS, optimal_field
from autoscore.optimum.curves import stored_optimum
from autoscore.score.estimates import (
    CHOICES,
    ReferencesAt,
    baseline_rows,
    combination_rows,
    learned_rows,
)
from autoscore.score.factors import factor_table, optimum_factors
from autoscore.score.held_out import COLUMNS as LOSSES
from autoscore.score.held_out import held_out_table
from autoscore.score.references import (
    RESOLVED,
    Reference,
    clean_reference,
    empirical_reference,
    exact_clean_reference,
    exact_references,
    sampled_references,
    with_optimum,
)
from autoscore.train.stack import Stack

PER_SEED = 2  # share of the held-out draws: each seed has a half as many, of its own
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

    The tables are ``errors``, with `COLUMNS`; ``factors``, the same fields as multiples of a known
    score; ``choices``, which levels were combined; and ``held_out``, the losses on a user's
    held-out points. `settings` are the noise grid ``sigmas``, the names of ``baselines`` beside
    null models, and the ``architecture`` of separate auto-encoders. `data` comes from
    `autoscore.data.draw_data`, `streams` names the random streams of noise and baselines. In two
    dimensions curves and bias are `solved` by `autoscore.optimum.stage.solve`.
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
        rows += learned_rows(stack, model, objective, sigmas, references)
    own = (streams[0], "nulls", *streams[2:])  # so that `geometry` has the same null models
    fitted = fits(density, data, settings["architecture"], own, settings["baselines"])
    rows += baseline_rows(fitted, places(learned, sigmas), references)
    choices: list[dict] = []
    if not isinstance(density, KernelDensity) and density.dim > 1:
        known = [what for what in objectives if what != "ssm"]
        factors += optimum_factors(density, known, sigmas, references)
        combined = [] if density.is_degenerate else learned.items()
        for (objective, model, _), stack in combined:
            if objective == "dae" and _spans(stack, sigmas):
                for row, choice in combination_rows(stack, model, data, references):
                    rows += [row] if row else []
                    choices.append({"density": name} | choice)
    held_out = pd.DataFrame(columns=[*LOSSES, "density"])
    if isinstance(density, KernelDensity) and len(data["held_out"]):
        one = fits(density, data, settings["architecture"], own, ["training points"])
        baselines = one(data["train"].shape[1], 0)
        asked = (data["held_out"], learned, baselines, sigmas, (*streams, "held_out"))
        held_out = held_out_table(*asked).assign(density=name)
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


def _spans(stack: Stack, sigmas: np.ndarray) -> bool:
    """Return whether a stack is conditioned, and on this noise grid rather than another one."""
    if stack.separate:
        return False
    return bool(np.allclose([stack.low * MARGIN, stack.high / MARGIN], sigmas[[0, -1]]))


def _references(
    density: Density, data: dict[str, np.ndarray], streams: tuple[int, str], solved: Solved | None
) -> ReferencesAt:
    """Return a function from objective, level and seed to references, each computed once.

    Level 0 has the clean score alone. Every seed has draws and noise of its own; without a seed
    they are those that exact rows share, ``held_out``. In one dimension references are integrals.
    A user's held-out points are the same for all seeds, under noise of their own.
    """
    shared = data["held_out"]
    finite = isinstance(density, KernelDensity)

    @cache
    def points(seed: int | None) -> np.ndarray:
        if seed is None or finite:
            return shared
        drawn = max(1, len(shared) // PER_SEED)
        return density.sample(drawn, generator(*streams, "held_out", seed))

    @cache
    def clean(seed: int | None) -> list[Reference]:
        if density.is_degenerate or finite:
            return []
        if not len(shared):
            return [exact_clean_reference(density)]
        return [clean_reference(density, points(seed))]

    @cache
    def known(sigma: float, seed: int | None) -> list[Reference]:
        x = points(seed)
        # the same at every level, whatever other levels there are
        noise = generator(*streams, *([] if seed is None else ["noise", seed]))
        if finite:
            return [empirical_reference(data["train"][0], x, sigma, noise)]
        own = None if seed is None else known(sigma, None)[0].own_error
        return sampled_references(density, sigma, x, noise, own)

    @cache
    def solution(sigma: float) -> tuple[Field | None, float]:
        if not solved:
            return None, np.nan
        curves, bias = solved
        level = np.isclose(bias["sigma"], sigma, rtol=1e-9) & (bias["objective"] == "rcae")
        change = float(bias["discretisation"][level].max())
        return (stored_optimum(curves, sigma) if change < RESOLVED else None), change

    @cache
    def references(objective: str, sigma: float, seed: int | None = None) -> list[Reference]:
        if not sigma:
            return clean(seed)
        if not len(shared):
            return exact_references(density, objective, sigma)
        if finite:
            return known(sigma, seed)
        return with_optimum(known(sigma, seed), objective, *solution(sigma))

    return references
