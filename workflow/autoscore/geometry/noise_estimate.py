"""The noise level, estimated from a trained auto-encoder (statement C3)."""

import numpy as np
import pandas as pd

from autoscore.fields import Field
from autoscore.wording import require


def estimate_noise(field: Field, x: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Estimate sigma in four ways as if it were not known.

    Let y = x + sigma e and r the posterior mean, so r(y) - y = sigma^2 s(y) with the score s of
    p_sigma. Projections are orthogonal: E|y - x|^2 = sigma^2 d = E|r(y) - x|^2 + E|r(y) - y|^2.
    Stein's identity is E|s|^2 = -E div s under p_sigma, and sigma^2 div s = tr dr/dy - d.

    - ``loss``: the training loss alone, E|r(y) - x|^2 / d = sigma^2 - sigma^4 E|s|^2 / d: right to
      first order.
    - ``loss_and_move``: (E|r(y) - x|^2 + E|r(y) - y|^2) / d, exact. Needs pairs of x and y.
    - ``divergence``: E|r(y) - y|^2 / (d - E tr dr/dy), exact. Needs the noisy points alone.
    - ``clean_divergence``: the same with x for y. Needs the clean points alone; its relative
      error is of order sigma^2, and it fails on a bare curve, where p has no score.

    Parameters
    ----------
    field
        The auto-encoder; its sigma draws the noise and is what should come out.
    x
        Clean points of shape ``(n, d)``.
    rng
        Draws the noise.

    Returns
    -------
    pandas.DataFrame
        A row an ``estimator``: the estimate ``sigma``, NaN if the estimate of its square is not
        positive; its ``standard_error`` over the points; and the ``truth``.

    Raises
    ------
    ValueError
        If there are no points.
    """
    require("an estimate of the noise", len(x))
    y = x + field.sigma * rng.standard_normal(x.shape)
    at_noisy = field.move(y)
    loss = ((at_noisy + (y - x)) ** 2).sum(1)
    move = (at_noisy**2).sum(1)
    clean_move = (field.move(x) ** 2).sum(1)
    shrinking, clean_shrinking = (
        field.dim - np.trace(field.jacobian(points), axis1=1, axis2=2) for points in (y, x)
    )
    dims = np.full(len(x), float(field.dim))
    parts = {
        "loss": (loss, dims),
        "loss_and_move": (loss + move, dims),
        "divergence": (move, shrinking),
        "clean_divergence": (clean_move, clean_shrinking),
    }
    rows = [
        {"estimator": name, **_root_of_ratio(*part), "truth": field.sigma}
        for name, part in parts.items()
    ]
    return pd.DataFrame(rows)


def loss_shortfall(field: Field, x: np.ndarray, noise: np.ndarray) -> float:
    """Return by how much the loss is below sigma^2 d, over the mean squared move of r.

    Projections are orthogonal, see `estimate_noise`, so it is 1 for the posterior mean. It is 0/0,
    and NaN, for r(y) = y, 2/a - 1 for r that goes the share a of the way, and small or negative
    for moves that have nothing to do with the data.

    Parameters
    ----------
    field
        The auto-encoder.
    x, noise
        Clean points and standard normal noise, both ``(n, d)``. The noise is used with both signs,
        without which what is of first order in it would drown the rest where sigma is small.
    """
    gain = move = 0.0
    for error in (field.sigma * noise, -field.sigma * noise):
        step = field.move(x + error)
        move += (step**2).sum()
        gain -= (step**2).sum() + 2.0 * (step * error).sum()  # |error|^2 - |r(y) - x|^2
    return float(gain / move) if move > 0 else np.nan


def _root_of_ratio(above: np.ndarray, below: np.ndarray) -> dict[str, float]:
    """Return the square root of a ratio of means, and its standard error by linearisation.

    Both are NaN where there is no such ratio, as for a field that moves nothing.
    """
    if not below.any():
        return {"sigma": np.nan, "standard_error": np.nan}
    ratio = above.mean() / below.mean()
    sigma = np.sqrt(ratio) if ratio > 0 else np.nan
    error = (above - ratio * below).std() / np.sqrt(len(above)) / abs(below.mean())
    return {"sigma": float(sigma), "standard_error": float(error / (2.0 * sigma))}
