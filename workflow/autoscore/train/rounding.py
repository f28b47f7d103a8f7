"""Weights as another processor might have rounded them.

The same training ends in other last digits where other kernels multiply its matrices. A run with a
``rounding`` moves every trained weight by one unit in the last place, to show whether a result
depends on these digits.
"""

import numpy as np
import torch

from autoscore.numerics.streams import generator
from autoscore.train.stack import Stack


def move_weights(stack: Stack, rounding: int | None, *names: object) -> None:
    """Move all weights of a trained stack, in place, in directions that `rounding` seeds.

    `names` name the training. Each member has a stream of its own, and so moves alike in whichever
    shard it was trained. None moves nothing.
    """
    if rounding is None:
        return
    levels = getattr(stack, "sigmas", [None] * len(stack.seeds))
    theta = stack.theta.cpu().numpy()
    members = zip(theta, stack.sizes, levels, stack.seeds, strict=True)
    rows = [moved(row, generator(rounding, "rounding", *names, *who)) for row, *who in members]
    stack.theta = torch.from_numpy(np.stack(rows)).to(stack.theta.device)


def moved(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return floats, each moved to a neighbour, up or down at random; exact zeros stay."""
    towards = rng.choice(np.array([-np.inf, np.inf], dtype=values.dtype), size=values.shape)
    return np.where(values == 0, values, np.nextafter(values, towards))
