"""How well held-out points are denoised: errors that need no known density, beside baselines.

For a user's own points the best auto-encoder for the training points memorises them, so that being
far from it is no fault. What counts is the loss on points that were not trained on.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from autoscore.baselines.registry import BASELINES
from autoscore.fields import Field
from autoscore.models.registry import Learned
from autoscore.wording import require

DRAWN = 2000  # noisy points, spread over the held-out ones and over both signs of the noise
COLUMNS = [
    "model", "objective", "sigma", "seed", "n",
    "denoising_loss", "standard_error", "score_matching_loss",
]  # fmt: skip


def held_out_table(
    data: dict[str, np.ndarray],
    learned: Learned,
    sigmas: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return the losses of everything that was trained on a sample file, and of baselines.

    Parameters
    ----------
    data
        What `autoscore.data.draw_data` returned.
    learned
        Trained stacks by (objective, model, source).
    sigmas
        Noise levels of the baselines and of conditioned stacks.
    rng
        Draws the noise, the same for all at all levels.

    Returns
    -------
    pandas.DataFrame
        A row per model, noise level and seed. Models: those trained; ``identity``; ``gaussian``,
        the best reconstruction for a Gaussian with the training points' mean and covariance;
        ``kde``, for the kernel density estimate that is likeliest on the validation points; and
        ``training points``, the optimum for these alone. ``denoising_loss`` is
        E|r(x + e) - x|^2 / (sigma^2 d), 1 for the identity; ``standard_error`` of it is over
        held-out points; ``score_matching_loss`` is sigma^2 E[|s|^2 / 2 + div s] / d at the noisy
        points, 0 for the identity (Hyvarinen 2005).

    Raises
    ------
    ValueError
        If no points are held out.
    """
    clean = data["held_out"]
    require("a loss on held-out points", len(clean))
    copies = max(1, DRAWN // (2 * len(clean)))
    noise = rng.standard_normal((copies, *clean.shape))
    noise = np.concatenate([noise, -noise])
    own = rng.spawn(1)[0]  # which changes no draw of rng
    rows = [
        labels | losses(field, clean, noise)
        for labels, field in [*_baselines(data, sigmas, own), *_trained(learned, sigmas)]
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"})


def losses(field: Field, clean: np.ndarray, noise: np.ndarray) -> dict[str, float]:
    """Return both losses of one field, and the standard error of the first.

    Parameters
    ----------
    field
        The reconstruction.
    clean
        Points of shape ``(n, d)``.
    noise
        Standard normal numbers, shape ``(copies, n, d)``.

    Returns
    -------
    dict
        The losses. One point alone has no standard error: it is NaN.

    Raises
    ------
    ValueError
        If there are no points.
    """
    require("a loss", len(clean))
    unit = field.sigma**2 * field.dim
    y = (clean + field.sigma * noise).reshape(-1, field.dim)
    move = field.move(y)
    # |move + e|^2 less |e|^2, whose mean is known: the identity then costs 1, and less is chance
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


def _baselines(
    data: dict[str, np.ndarray], sigmas: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[dict, Field]]:
    points, validation = data["train"][0], data["validation"]
    for name, baseline in BASELINES.items():
        if baseline.field is None or (baseline.needs_validation and not len(validation)):
            continue
        estimate = baseline.fit(points, validation, rng)
        for sigma in sigmas:
            labels = {"model": name, "sigma": sigma, "n": len(points)}
            yield labels, baseline.field(estimate, sigma)


def _trained(learned: Learned, sigmas: np.ndarray) -> Iterator[tuple[dict, Field]]:
    for (objective, model, _), stack in learned.items():
        for sigma in stack.levels(sigmas):
            for size, seed in stack.trained():
                labels = {"model": model, "objective": objective, "sigma": sigma, "n": size}
                yield labels | {"seed": seed}, stack.field(sigma, seed, size)
