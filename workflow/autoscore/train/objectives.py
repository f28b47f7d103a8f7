"""Training objectives in units of sigma^2, one value per member, shape ``(m,)``."""

from typing import Any

import torch
from torch import Tensor

from autoscore.train.batches import Batch
from autoscore.train.stack import Stack


def denoising(stack: Stack, theta: Tensor, batch: Batch) -> Tensor:
    """Return E|r(x + e) - x|^2 / `Stack.unit`, up to the batch's constant spread.

    With r = x + sigma^2 s this is denoising score matching (Vincent 2011; statement C9).
    """
    reconstruction, _ = stack.forward(theta, batch.inputs, batch.sigma)
    return _MeanSquare.apply(reconstruction - batch.targets, stack.unit(batch.sigma), batch)


class _MeanSquare(torch.autograd.Function):
    """The mean of |error|^2 / unit over a batch, with its gradient in a single step."""

    @staticmethod
    def forward(ctx: Any, error: Tensor, unit: Tensor, batch: Batch) -> Tensor:
        ctx.save_for_backward(error, unit, batch.weights)
        return batch.mean((error**2).sum(-1) / unit)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        error, unit, weights = ctx.saved_tensors
        share = slope[:, None] / error.shape[1] if weights is None else slope[:, None] * weights
        return error * (2.0 * share / unit)[..., None], None, None


def contractive(stack: Stack, theta: Tensor, batch: Batch) -> Tensor:
    """Return E[|r(x) - x|^2 / sigma^2 + |dr/dx|_F^2] with the exact Jacobian (statement T2)."""
    reconstruction, derivative = stack.forward(theta, batch.targets, batch.sigma, jacobian=True)
    error = ((reconstruction - batch.targets) ** 2).sum(-1)
    return batch.mean(error / batch.sigma**2 + (derivative**2).sum((-2, -1)))


def sliced(stack: Stack, theta: Tensor, batch: Batch) -> Tensor:
    """Return E[v.(ds/dx) v + |s|^2 / 2] for s = (r(x) - x) / sigma^2 at clean points.

    Sliced score matching with reduced variance (Song et al. 2019), a baseline without noise: the
    batch's noise e / sigma serves as the random direction v.
    """
    variance = batch.sigma[..., None] ** 2
    v = (batch.inputs - batch.targets) / batch.sigma[..., None]
    reconstruction, turned = stack.forward(theta, batch.targets, batch.sigma, along=v)
    score, change = (reconstruction - batch.targets) / variance, (turned - v) / variance
    return batch.mean((v * change + 0.5 * score**2).sum(-1))


OBJECTIVES = {"dae": denoising, "rcae": contractive, "ssm": sliced}
