"""How well held-out points are denoised: losses that need no known density, beside baselines.

On a user's own points the best auto-encoder for the training points memorises them, so that
distance from it is no fault. What counts is the loss on points that were not trained on.
"""

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import pandas as pd

from autoscore.fields import Field
from autoscore.models.registry import Learned
from autoscore.nulls import Fitted
from autoscore.numerics.streams import generator
from autoscore.wording import require

DRAWN = 2000  # noisy points, spread over the held-out ones and over both signs of the noise
COLUMNS = [
    "model", "objective", "sigma", "seed", "n",
    "denoising_loss", "standard_error", "score_matching_loss",
]  # fmt: skip


def held_out_table(
    clean: np.ndarray,
    learned: Learned,
    baselines: Iterable[Fitted],
    sigmas: np.ndarray,
    streams: tuple,
) -> pd.DataFrame:
    """Return the losses of everything that was trained on a sample file, and of baselines.

    A row per model, noise level and seed, with their `losses` at held-out points ``(m, d)``:
    models trained, at `sigmas` or their own levels, and baselines, once. The noise of each seed is
    the same for all models at all levels. Raise ValueError if no points are held out.
    """
    require("a loss on held-out points", len(clean))
    copies = max(1, DRAWN // (2 * len(clean)))

    @cache
    def noise(seed: int | None) -> np.ndarray:
        own = [] if seed is None else [seed]
        drawn = generator(*streams, *own).standard_normal((copies, *clean.shape))
        return np.concatenate([drawn, -drawn])

    rows = [
        labels | losses(field, clean, noise(labels.get("seed")))
        for labels, field in [*_baselines(baselines, sigmas), *_trained(learned, sigmas)]
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"})


def losses(field: Field, clean: np.ndarray, noise: np.ndarray) -> dict[str, float]:
    """Return the losses of a field on points ``(n, d)`` under unit noise ``(copies, n, d)``.

    ``denoising_loss`` is E|r(x + e) - x|^2 / (sigma^2 d), 1 for the identity, and
    ``standard_error`` its standard error over points, NaN for one point; ``score_matching_loss``
    is sigma^2 E[|s|^2 / 2 + div s] / d at the noisy points, 0 for the identity (Hyvarinen 2005).
    Raise ValueError without points.
    """
    require("a loss", len(clean))
    unit = field.sigma**2 * field.dim
    y = (clean + field.sigma * noise).reshape(-1, field.dim)
    move = field.move(y)
    # |move + e|^2 - |e|^2, plus the known mean of |e|^2: the identity then costs exactly 1, and
    # the noise of |e|^2 is gone
    gain = (move.reshape(noise.shape) + 2.0 * field.sigma * noise) * move.reshape(noise.shape)
    each = 1.0 + gain.sum(-1).mean(0) / unit
    divergence = np.trace(field.jacobian(y), axis1=1, axis2=2) - field.dim
    implicit = 0.5 * (move**2).sum(1) / field.sigma**2 + divergence
    spread = each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.nan
    return {
        "denoising_loss": float(each.mean()),
        "standard_error": float(spread),
        "score_matching_loss": float(implicit.mean() / field.dim),
    }


def _baselines(baselines: Iterable[Fitted], sigmas: np.ndarray) -> Iterator[tuple[dict, Field]]:
    for fitted in baselines:
        for sigma in sigmas:
            labels = {"model": fitted.name, "sigma": sigma, "n": fitted.n}
            yield labels, fitted.field(sigma)


def _trained(learned: Learned, sigmas: np.ndarray) -> Iterator[tuple[dict, Field]]:
    for (objective, model, _), stack in learned.items():
        for sigma in stack.levels(sigmas):
            for size, seed in stack.trained():
                labels = {"model": model, "objective": objective, "sigma": sigma, "n": size}
                yield labels | {"seed": seed}, stack.field(sigma, seed, size)
