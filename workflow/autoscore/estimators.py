"""Estimates of the clean score from samples: peers of the auto-encoders, and several levels of one.

The clean score has no noise level: in the error table these rows have sigma 0.
"""

from collections.abc import Iterator

import numpy as np

from autoscore.densities.kernels import fit_bandwidth
from autoscore.extrapolation import COLUMNS, Choice, choose
from autoscore.models.conditioned.network import MARGIN, Conditioned
from autoscore.peers import fit_kernel_score
from autoscore.randomness import generator
from autoscore.rulers import Ruler

LEVELS = 10  # of a conditioned auto-encoder that are combined
DIRECTIONS = 10_000  # at all points together, in which each level is differentiated for a choice
SHOWN = 1000  # training points on which combinations are fitted besides the validation points
LANDMARKS = 200  # of the kernel score estimator
WIDEST = 10_000  # points of a kernel density estimate that is measured under noise, too
MEASURED = 500  # points at which a kernel density estimate is measured in the plane and beyond
TUNED = 500  # validation points at which bandwidths are compared
CHOICES = ["trained", "seed", "n", "model", *COLUMNS, "chosen_by", "relative_error"]


def measure_kernel_density(
    train: np.ndarray, validation: np.ndarray, size: int, rulers_at: dict[float, list[Ruler]]
) -> Iterator[dict]:
    """Yield what the best kernel density estimate makes of the same points.

    Its bandwidth is the likeliest on the validation points; noise is added to it exactly.

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
        tuned = TUNED if size <= WIDEST else TUNED // 5
        estimate = fit_bandwidth(points[:size], validation[:tuned])
        labels = {"objective": "dae", "model": "kde", "seed": seed, "n": size}
        for index, (sigma, found) in enumerate(rulers_at.items()):
            smoothed = estimate.smoothed(sigma)
            for ruler in found:
                most = MEASURED if size <= WIDEST else MEASURED // 2
                fewer = ruler if ruler.x.shape[1] == 1 else ruler.first(most)
                if ruler.reference == "p_sigma" and size <= WIDEST:
                    yield fewer.row(smoothed.score(fewer.x), **labels, sigma=sigma)
                elif ruler.reference == "p" and index == 0:
                    yield fewer.row(estimate.score(fewer.x), **labels, sigma=0.0)


def measure_kernel_score(
    train: np.ndarray, validation: np.ndarray, size: int, ruler: Ruler, streams: tuple
) -> Iterator[dict]:
    """Yield what a kernel score estimator makes of the same points, see `autoscore.peers`.

    Parameters are those of `measure_kernel_density`, but for the one `ruler` of the clean score
    and `streams`, the names of the random streams that draw the landmarks.
    """
    for seed, points in enumerate(train):
        rng = generator(*streams, "kernel", seed, size)
        estimate = fit_kernel_score(points[:size], validation, rng, LANDMARKS)
        labels = {"objective": "ism", "model": "kernel", "seed": seed, "n": size, "sigma": 0.0}
        yield ruler.row(estimate.score(ruler.x), **labels)


def combine_levels(stack: Conditioned, seed: int, size: int, data: dict[str, np.ndarray]) -> Choice:
    """Return how levels of one conditioned auto-encoder go together, judged on validation points.

    Parameters
    ----------
    stack
        Trained on the denoising objective.
    seed, size
        Which member.
    data
        What `autoscore.data.make_data` returned.
    """
    levels = np.geomspace(stack.low * MARGIN, stack.high / MARGIN, LEVELS)
    fields = [stack.field(sigma, seed, size) for sigma in levels]
    points = data["train"][min(seed, len(data["train"]) - 1), :size]
    most = DIRECTIONS // stack.dim
    return choose(fields, data["validation"][:most], points[: min(SHOWN, most)])


def measure_combinations(
    stack: Conditioned, model: str, data: dict[str, np.ndarray], ruler: Ruler
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
        What `autoscore.data.make_data` returned.
    ruler
        The clean score.

    Yields
    ------
    row, choice
        A row of the error table, its model ``single``, ``extrapolated`` (Richardson) or
        ``combined`` (of all kinds); and what was chosen.
    """
    for seed, size in zip(stack.seeds.tolist(), stack.sizes.tolist(), strict=True):
        found = combine_levels(stack, seed, int(size), data)
        errors = found.relative_errors(ruler.x, ruler.score)
        for name, rows in _kinds(found).items():
            losses = found.table["implicit_loss"].to_numpy()
            chosen = found.best() if name == "combined" else rows[losses[rows].argmin()]
            labels = {"trained": model, "seed": seed, "n": size, "model": name}
            for by, row in (("held_out", chosen), ("truth", rows[errors[rows].argmin()])):
                choice = labels | found.table.loc[row].to_dict()
                choice |= {"chosen_by": by, "relative_error": errors[row]}
                error = labels | {"objective": "dae", "sigma": 0.0}
                error |= ruler.row_of(errors[row])
                yield (error if by == "held_out" else {}), choice


def _kinds(found: Choice) -> dict[str, np.ndarray]:
    """Return the rows of a choice among which each model is chosen."""
    polynomial = (found.table["kind"] == "polynomial").to_numpy()
    alone = polynomial & (found.table["levels"] == 1).to_numpy()
    every = np.ones(len(polynomial), dtype=bool)
    kinds = {"single": alone, "extrapolated": polynomial, "combined": every}
    return {name: np.flatnonzero(rows) for name, rows in kinds.items()}
