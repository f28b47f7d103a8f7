"""Estimates of the score from samples: baselines, and several levels of one auto-encoder.

Estimates of the clean score have no noise level: their rows in the error table have sigma 0.
"""

from collections.abc import Iterator

import numpy as np

from autoscore.baselines.declaration import Baseline
from autoscore.combination import COLUMNS, Choice, choose
from autoscore.models.conditioned.network import MARGIN, Conditioned
from autoscore.numerics.streams import generator
from autoscore.score.references import Reference

LEVELS = 10  # of a conditioned auto-encoder that are combined
DIRECTIONS = 10_000  # in which each level is differentiated for a choice, at all points together
SHOWN = 1000  # training points on which combinations are fitted, beside the validation points
CHOICES = ["trained", "seed", "n", "model", *COLUMNS, "chosen_by", "relative_error"]


def baseline_rows(
    baseline: Baseline,
    train: np.ndarray,
    validation: np.ndarray,
    size: int,
    references: dict[float, list[Reference]],
    streams: tuple,
) -> Iterator[dict]:
    """Yield the errors of a baseline on the points that auto-encoders were trained on.

    Points have shapes ``(seeds, n, d)`` and ``(m, d)``; the first `size` of each seed are used.
    `references` are the scores of p_sigma and p by noise level; `streams` names the random streams.
    """
    noisy = baseline.noisy and size <= baseline.widest
    most = baseline.most_points
    if most and size > baseline.widest:
        most //= 2
    for seed, points in enumerate(train):
        rng = generator(*streams, baseline.name, seed, size)
        estimate = baseline.fit(points[:size], validation, rng)
        labels = {"objective": baseline.objective, "model": baseline.name, "seed": seed, "n": size}
        for index, (sigma, found) in enumerate(references.items()):
            for reference in found:
                if reference.name == "p_sigma" and noisy:
                    level = sigma
                elif reference.name == "p" and baseline.clean and index == 0:
                    level = 0.0
                else:
                    continue
                fewer = reference.first(most) if most and reference.x.shape[1] > 1 else reference
                error = fewer.error(baseline.score(estimate, level, fewer.x))
                yield labels | {"sigma": level} | fewer.row(error)


def combine_levels(stack: Conditioned, seed: int, size: int, data: dict[str, np.ndarray]) -> Choice:
    """Return how to combine levels of one member, chosen on the validation points of `data`."""
    levels = np.geomspace(stack.low * MARGIN, stack.high / MARGIN, LEVELS)
    fields = [stack.field(sigma, seed, size) for sigma in levels]
    points = data["train"][min(seed, len(data["train"]) - 1), :size]
    most = DIRECTIONS // stack.dim
    return choose(fields, data["validation"][:most], points[: min(SHOWN, most)])


def combination_rows(
    stack: Conditioned, model: str, data: dict[str, np.ndarray], reference: Reference
) -> Iterator[tuple[dict, dict]]:
    """Yield the errors of combined levels of a conditioned auto-encoder, in pairs of rows.

    The first is a row of the error table, its model ``single``, ``extrapolated`` (Richardson) or
    ``combined`` (of all kinds); the second says what was chosen. The choice is made on validation
    points without the truth. What a choice that looks at the truth, the clean `reference`, would
    reach comes beside it, with an empty first row.
    """
    for seed, size in zip(stack.seeds.tolist(), stack.sizes.tolist(), strict=True):
        found = combine_levels(stack, seed, int(size), data)
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
