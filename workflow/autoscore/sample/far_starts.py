"""Spurious maxima: chains from far away that come to rest where there is no data (statement C8)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from autoscore.densities.base import Density
from autoscore.sample.runs import box

STARTS = 300
STEPS = 200  # of corruption and reconstruction
IMPROBABLE = 1e-3  # share of draws from p_sigma that lie where it is lower than at any data
TYPICAL = 10_000  # draws that tell how low: their number moves that share by a third of itself


def least_log_p(smoothed: Density, rng: np.random.Generator) -> float:
    """Return the log p_sigma that all but one in a thousand of its own draws exceed."""
    return float(np.quantile(smoothed.log_prob(smoothed.sample(TYPICAL, rng)), IMPROBABLE))


@dataclass(frozen=True)
class Trial:
    """Chains at one noise level: there is no data where log p_sigma of `smoothed` is below `least`.

    They start uniformly in a box three times as wide as that of the training points `clean`,
    ``(n, d)``. `rng` draws starts and noise.
    """

    sigma: float
    smoothed: Density
    least: float
    clean: np.ndarray
    rng: np.random.Generator


def lost_shares(
    score: Callable[[np.ndarray], np.ndarray], trials: Sequence[Trial]
) -> Iterator[dict[str, float]]:
    """Yield by trial the share of chains that end where there is no data.

    Chains corrupt and reconstruct. The `score` is that of all trials side by side, at equally many
    rows each, in their order. ``lost`` counts all chains that end where there is no data,
    ``escaped`` those that left the box or are no longer finite.
    """
    boxes = [box(trial.clean) for trial in trials]
    shape = (STARTS, len(boxes[0]))
    pairs = list(zip(trials, boxes, strict=True))
    x = np.concatenate([trial.rng.uniform(*edges.T, size=shape) for trial, edges in pairs])
    sigma = np.repeat([trial.sigma for trial in trials], STARTS)[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(STEPS):
            x += sigma * np.concatenate([trial.rng.standard_normal(shape) for trial in trials])
            x += sigma**2 * score(x)
    for (trial, edges), ends in zip(pairs, np.split(x, len(trials)), strict=True):
        inside = ((ends >= edges[:, 0]) & (ends <= edges[:, 1])).all(1)
        likely = np.zeros(STARTS, dtype=bool)
        likely[inside] = trial.smoothed.log_prob(ends[inside]) >= trial.least
        yield {"lost": float((~likely).mean()), "escaped": float((~inside).mean())}
