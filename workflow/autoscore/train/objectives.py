"""The two losses of the paper, one value a member, in units of sigma^2."""

import torch

from autoscore.train.batches import Batch
from autoscore.train.stack import Stack


def denoising(stack: Stack, theta: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return E|r(x + e) - x|^2 / unit, shape ``(m,)``, up to the batch's constant spread.

    The unit is sigma^2 but for kinds of auto-encoders that have their own (`Stack.unit`).
    With r = x + sigma^2 s this is denoising score matching (Vincent 2011; statement C9).
    """
    reconstruction, _ = stack.forward(theta, batch.inputs, batch.sigma)
    error = ((reconstruction - batch.targets) ** 2).sum(-1)
    return batch.mean(error / stack.unit(batch.sigma))


def contractive(stack: Stack, theta: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return E[|r(x) - x|^2 / sigma^2 + |dr/dx|_F^2], shape ``(m,)`` (statement T2).

    The Jacobian is exact, in closed form; nothing is sampled.
    """
    reconstruction, derivative = stack.forward(theta, batch.targets, batch.sigma, jacobian=True)
    error = ((reconstruction - batch.targets) ** 2).sum(-1)
    return batch.mean(error / batch.sigma**2 + (derivative**2).sum((-2, -1)))


def sliced(stack: Stack, theta: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return E[v.(ds/dx) v + |s|^2 / 2] for s = (r(x) - x) / sigma^2 at clean points, ``(m,)``.

    Sliced score matching with its variance reduced (Song et al. 2019), a peer that knows no noise:
    what is noise elsewhere, e / sigma, is the random direction v here.
    """
    variance = batch.sigma[..., None] ** 2
    v = (batch.inputs - batch.targets) / batch.sigma[..., None]
    reconstruction, turned = stack.forward(theta, batch.targets, batch.sigma, along=v)
    score, change = (reconstruction - batch.targets) / variance, (turned - v) / variance
    return batch.mean((v * change + 0.5 * score**2).sum(-1))


OBJECTIVES = {"dae": denoising, "rcae": contractive, "ssm": sliced}
