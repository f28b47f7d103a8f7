"""Estimates of the clean score from samples: baselines, and several levels of one.

The clean score has no noise level: in the error table these rows have sigma 0.
"""

from collections.abc import Iterator

import numpy as np

from autoscore.baselines.declaration import Baseline
from autoscore.combination import COLUMNS, Choice, choose
from autoscore.models.conditioned.network import MARGIN, Conditioned
from autoscore.numerics.streams import generator
from autoscore.score.references import Reference

LEVELS = 10  # of a conditioned auto-encoder that are combined
DIRECTIONS = 10_000  # at all points together, in which each level is differentiated for a choice
SHOWN = 1000  # training points on which combinations are fitted besides the validation points
CHOICES = ["trained", "seed", "n", "model", *COLUMNS, "chosen_by", "relative_error"]


def measure_baseline(
    baseline: Baseline,
    train: np.ndarray,
    validation: np.ndarray,
    size: int,
    references: dict[float, list[Reference]],
    streams: tuple,
) -> Iterator[dict]:
    """Yield the errors of a baseline on the points that auto-encoders were trained on.

    Parameters
    ----------
    baseline
        Which one.
    train
        Shape ``(seeds, n, d)``; the first `size` points of each seed are used.
    validation
        Shape ``(m, d)``.
    size
        Number of points.
    references
        The score of p_sigma, and of p, at each noise level.
    streams
        Names the random streams.
    """
    noisy = baseline.noisy and size <= baseline.widest
    most = baseline.measured
    if most and size > baseline.widest:
        most //= 2
    for seed, points in enumerate(train):
        rng = generator(*streams, baseline.name, seed, size)
        estimate = baseline.fit(points[:size], validation, rng)
        labels = {"objective": baseline.objective, "model": baseline.name, "seed": seed, "n": size}
        for index, (sigma, found) in enumerate(references.items()):
            for reference in found:
                fewer = reference.first(most) if most and reference.x.shape[1] > 1 else reference
                if reference.name == "p_sigma" and noisy:
                    yield fewer.row(baseline.score(estimate, sigma, fewer.x), **labels, sigma=sigma)
                elif reference.name == "p" and baseline.clean and index == 0:
                    yield fewer.row(baseline.score(estimate, 0.0, fewer.x), **labels, sigma=0.0)


def combine_levels(stack: Conditioned, seed: int, size: int, data: dict[str, np.ndarray]) -> Choice:
    """Return how levels of one conditioned auto-encoder go together, judged on validation points.

    Parameters
    ----------
    stack
        Trained on the denoising objective.
    seed, size
        Which member.
    data
        What `autoscore.data.draw_data` returned.
    """
    levels = np.geomspace(stack.low * MARGIN, stack.high / MARGIN, LEVELS)
    fields = [stack.field(sigma, seed, size) for sigma in levels]
    points = data["train"][min(seed, len(data["train"]) - 1), :size]
    most = DIRECTIONS // stack.dim
    return choose(fields, data["validation"][:most], points[: min(SHOWN, most)])


def measure_combinations(
    stack: Conditioned, model: str, data: dict[str, np.ndarray], reference: Reference
) -> Iterator[tuple[dict, dict]]:
    """Yield the errors of several levels of a conditioned auto-encoder put together.

    The choice is made on validation points without the truth; what a choice that looks at the
    truth would have reached is given beside it.

    Parameters
    ----------
    stack
        Trained on the denoising objective.
    model
        Its name.
    data
        What `autoscore.data.draw_data` returned.
    reference
        The clean score.

    Yields
    ------
    row, choice
        A row of the error table, its model ``single``, ``extrapolated`` (Richardson) or
        ``combined`` (of all kinds); and what was chosen.
    """
    for seed, size in zip(stack.seeds.tolist(), stack.sizes.tolist(), strict=True):
        found = combine_levels(stack, seed, int(size), data)
        errors = found.relative_errors(reference.x, reference.score)
        for name, rows in _kinds(found).items():
            losses = found.table["implicit_loss"].to_numpy()
            chosen = found.best() if name == "combined" else rows[losses[rows].argmin()]
            labels = {"trained": model, "seed": seed, "n": size, "model": name}
            for by, row in (("held_out", chosen), ("truth", rows[errors[rows].argmin()])):
                choice = labels | found.table.loc[row].to_dict()
                choice |= {"chosen_by": by, "relative_error": errors[row]}
                error = labels | {"objective": "dae", "sigma": 0.0}
                error |= reference.row_of(errors[row])
                yield (error if by == "held_out" else {}), choice


def _kinds(found: Choice) -> dict[str, np.ndarray]:
    """Return the rows of a choice among which each model is chosen."""
    polynomial = (found.table["kind"] == "polynomial").to_numpy()
    alone = polynomial & (found.table["levels"] == 1).to_numpy()
    every = np.ones(len(polynomial), dtype=bool)
    kinds = {"single": alone, "extrapolated": polynomial, "combined": every}
    return {name: np.flatnonzero(rows) for name, rows in kinds.items()}
