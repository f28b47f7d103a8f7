"""Spurious maxima: chains from far away that come to rest where there is no data (statement C8)."""

import numpy as np

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.sample.runs import box
from autoscore.samplers.walk import Walk

STARTS = 300
STEPS = 200  # of corruption and reconstruction
IMPROBABLE = 1e-3  # share of draws from p_sigma that lie where it is lower than at any data


def least_log_p(smoothed: Density, rng: np.random.Generator) -> float:
    """Return the log p_sigma that all but one in a thousand of its own draws exceed."""
    noisy = smoothed.sample(10 * STARTS, rng)
    return np.quantile(smoothed.log_prob(noisy), IMPROBABLE)


def lost_share(
    field: Field, smoothed: Density, least: float, clean: np.ndarray, rng: np.random.Generator
) -> dict[str, float]:
    """Return the share of chains from far starts that end where there is no data.

    Chains corrupt and reconstruct, from uniform starts in a box three times as wide as that of
    the training points `clean`, ``(n, d)``. There is no data where log p_sigma is below `least`.
    ``lost`` counts all chains that end there, ``escaped`` those that left the box or are no longer
    finite.
    """
    edges = box(clean)
    x = rng.uniform(edges[:, 0], edges[:, 1], size=(STARTS, clean.shape[1]))
    kernel = Walk(field, field.sigma, 1.0)
    state = kernel.init(x)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(STEPS):
            state, _ = kernel.step(state, rng.standard_normal(x.shape))
        inside = ((state.x >= edges[:, 0]) & (state.x <= edges[:, 1])).all(1)
    likely = np.zeros(STARTS, dtype=bool)
    likely[inside] = smoothed.log_prob(state.x[inside]) >= least
    return {"lost": float((~likely).mean()), "escaped": float((~inside).mean())}
