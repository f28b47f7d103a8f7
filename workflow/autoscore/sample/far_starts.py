"""Spurious maxima: chains from far away that come to rest where there is no data (statement C8)."""

import numpy as np

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.sample.runs import box
from autoscore.samplers.walk import Walk

STARTS = 300
STEPS = 200  # of corruption and reconstruction
IMPROBABLE = 1e-3  # so few draws from p_sigma lie where it is as small


class Ends:
    """Where chains of one noise level may end.

    Parameters
    ----------
    smoothed
        p_sigma.
    rng
        Draws the points that tell where it is improbable.
    """

    def __init__(self, smoothed: Density, rng: np.random.Generator) -> None:
        self._smoothed = smoothed
        noisy = smoothed.sample(10 * STARTS, rng)
        self._least = np.quantile(smoothed.log_prob(noisy), IMPROBABLE)

    def are_likely(self, x: np.ndarray) -> np.ndarray:
        """Return at which of the points, shape ``(n, d)``, there are data."""
        return self._smoothed.log_prob(x) >= self._least


def lost_share(
    field: Field, ends: Ends, clean: np.ndarray, rng: np.random.Generator
) -> dict[str, float]:
    """Return how many chains from far starts end where there is no data.

    Chains corrupt and reconstruct. Starts are uniform in a box three times as wide as that of the
    data; an end is where there is no data if p_sigma is smaller there than at all but one in a
    thousand of its own draws.

    Parameters
    ----------
    field
        The field.
    ends
        Where there are data under the field's noise.
    clean
        Training points, shape ``(n, d)``.
    rng
        Draws starts and noise.

    Returns
    -------
    dict
        ``lost``, the share of chains that end where there is no data; of these ``escaped``, the
        share of all that left the box or is not finite.
    """
    edges = box(clean)
    x = rng.uniform(edges[:, 0], edges[:, 1], size=(STARTS, clean.shape[1]))
    kernel = Walk(field, field.sigma, 1.0)
    state = kernel.init(x)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(STEPS):
            state, _ = kernel.step(state, rng.standard_normal(x.shape))
    found = state.x
    with np.errstate(invalid="ignore"):
        inside = ((found >= edges[:, 0]) & (found <= edges[:, 1])).all(1)
    likely = np.zeros(STARTS, dtype=bool)
    likely[inside] = ends.are_likely(found[inside])
    return {"lost": float((~likely).mean()), "escaped": float((~inside).mean())}
