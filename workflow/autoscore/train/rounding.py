"""Weights as another processor might have rounded them.

The same training gives other last digits where other kernels multiply its matrices. A run with a
``rounding`` moves every trained weight by one unit in the last place, which shows whether a result
depends on these digits.
"""

import numpy as np
import torch

from autoscore.numerics.streams import generator
from autoscore.train.stack import Stack


def move_weights(stack: Stack, rounding: int | None, *names: object) -> None:
    """Move all weights of a trained stack, in place; None moves nothing.

    Each member has a stream of its own, and so moves alike in whichever shard it was trained.

    Parameters
    ----------
    stack
        Auto-encoders.
    rounding
        The seed of the directions.
    *names
        Say, besides number of points, noise level and seed, whose weights these are.
    """
    if rounding is None:
        return
    levels = getattr(stack, "sigmas", [None] * len(stack.seeds))
    theta = stack.theta.cpu().numpy()
    members = zip(theta, stack.sizes, levels, stack.seeds, strict=True)
    rows = [moved(row, generator(rounding, "rounding", *names, *who)) for row, *who in members]
    stack.theta = torch.from_numpy(np.stack(rows)).to(stack.theta.device)


def moved(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return floats, each moved to a neighbour, up or down at random; exact zeros stay.

    >>> one = np.ones(1, dtype=np.float32)
    >>> abs(moved(one, np.random.default_rng(0)) - one) <= np.spacing(one)
    array([ True])
    """
    towards = rng.choice(np.array([-np.inf, np.inf], dtype=values.dtype), size=values.shape)
    return np.where(values == 0, values, np.nextafter(values, towards))
