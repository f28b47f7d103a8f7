"""Rows of the error table: trained models, baselines, several levels of one auto-encoder.

Estimates of the clean score have no noise level: their rows in the error table have sigma 0.
"""

from collections.abc import Callable, Iterator

import numpy as np

from autoscore.combination import COLUMNS, Choice, choose
from autoscore.models.conditioned.network import MARGIN, Conditioned
from autoscore.nulls import Fits, Fitted, Places
from autoscore.score.references import Reference
from autoscore.train.stack import Stack

LEVELS = 10  # of a conditioned auto-encoder that are combined
DIRECTIONS = 10_000  # in which each level is differentiated for a choice, at all points together
SHOWN = 1000  # training points on which combinations are fitted, beside the validation points
CHOICES = ["trained", "seed", "n", "model", *COLUMNS, "chosen_by", "relative_error"]
# from objective, level and seed; without a seed for exact fields
ReferencesAt = Callable[[str, float, int | None], list[Reference]]


def learned_rows(
    stack: Stack, model: str, objective: str, sigmas: np.ndarray, references: ReferencesAt
) -> Iterator[dict]:
    """Yield the error of every member of a stack against every reference.

    A stack of separate auto-encoders is measured at its own levels, a conditioned one at those of
    `sigmas` in its range. Sliced score matching learns the clean score, under a nominal level.
    """
    for sigma in [stack.high] if objective == "ssm" else stack.levels(sigmas):
        level = 0.0 if objective == "ssm" else float(sigma)
        for size, seed in stack.trained():
            score = stack.field(sigma, seed, size).score
            labels = {"objective": objective, "model": model, "sigma": level}
            for reference in references(objective, level, seed):
                error = reference.compared(score(reference.x))
                yield labels | {"seed": seed, "n": size} | error


def baseline_rows(fits: Fits, places: Places, references: ReferencesAt) -> Iterator[dict]:
    """Yield the errors of baselines at all places where models were trained, and at level 0.

    Each has a row wherever a model of any objective has one. Level 0 holds the clean score.
    """
    for (size, seed), levels in places.items():
        if np.isfinite(size):
            levels = levels | {0.0: sorted({"dae", *levels.get(0.0, [])})}
        for fitted in fits(size, seed):
            labels = {"model": fitted.name, "seed": seed, "n": size}
            for sigma, objectives in sorted(levels.items()):
                if (score := fitted.score(sigma)) is None:
                    continue
                own = fitted.baseline.objective
                known = {}
                for objective in [own] if own else objectives:
                    place = {"objective": objective, "sigma": sigma}
                    for reference in references(objective, sigma, seed):
                        few = _few(fitted, reference)
                        key = id(reference.x)  # references share their points
                        if key not in known:
                            known[key] = score(few.x)
                        if np.isfinite(known[key]).all():  # else it has no such score
                            yield labels | place | few.compared(known[key])


def _few(fitted: Fitted, reference: Reference) -> Reference:
    """Return a reference at as many points as a baseline is evaluated at, d > 1."""
    most = fitted.most
    return reference if most is None or reference.x.shape[1] == 1 else reference.first(most)


def combine_levels(stack: Conditioned, seed: int, size: int, data: dict[str, np.ndarray]) -> Choice:
    """Return how to combine levels of one member, chosen on the validation points of `data`."""
    levels = np.geomspace(stack.low * MARGIN, stack.high / MARGIN, LEVELS)
    fields = [stack.field(sigma, seed, size) for sigma in levels]
    points = data["train"][min(seed, len(data["train"]) - 1), :size]
    most = DIRECTIONS // stack.dim
    return choose(fields, data["validation"][:most], points[: min(SHOWN, most)])


def combination_rows(
    stack: Conditioned, model: str, data: dict[str, np.ndarray], references: ReferencesAt
) -> Iterator[tuple[dict, dict]]:
    """Yield the errors of combined levels of a conditioned auto-encoder, in pairs of rows.

    The first is a row of the error table, its model ``single``, ``extrapolated`` (Richardson) or
    ``combined`` (of all kinds); the second says what was chosen. The choice is made on validation
    points without the truth. What a choice that looks at the truth would
    reach comes beside it, with an empty first row. The clean reference is that of the seed.
    """
    for seed, size in zip(stack.seeds.tolist(), stack.sizes.tolist(), strict=True):
        found = combine_levels(stack, seed, int(size), data)
        (reference,) = references("ssm", 0.0, seed)
        errors = found.relative_errors(reference.x, reference.score)
        losses = found.table["implicit_loss"].to_numpy()
        polynomial = (found.table["kind"] == "polynomial").to_numpy()
        single = polynomial & (found.table["levels"] == 1).to_numpy()
        candidates = {
            "single": single,
            "extrapolated": polynomial,
            "combined": np.ones(len(losses), bool),
        }
        for name, allowed in candidates.items():
            rows = np.flatnonzero(allowed)
            chosen = found.best() if name == "combined" else rows[losses[rows].argmin()]
            labels = {"trained": model, "seed": seed, "n": size, "model": name}
            for by, row in (("held_out", chosen), ("truth", rows[errors[rows].argmin()])):
                choice = labels | found.table.loc[row].to_dict()
                choice |= {"chosen_by": by, "relative_error": errors[row]}
                error = labels | {"objective": "dae", "sigma": 0.0} | reference.row(errors[row])
                yield (error if by == "held_out" else {}), choice
