"""Activations whose values, to the last bit, do not depend on which members share the stack.

PyTorch computes sigmoids in whole vectors of numbers and rounds the rest, at the end of a tensor,
differently. If a member's numbers fill whole vectors, there is no rest; otherwise sigmoids are made
of tanh, which is rounded alike everywhere. All functions are elementwise, on ``(m, ...)``.

PyTorch's tanh takes four times as long as its sigmoid, and most of a small network's time. Made of
a sigmoid, it is as exact beside 1, though no longer relative to its own value near 0.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from autoscore.numerics.exponentials import VECTOR


def _fills_vectors(x: Tensor) -> bool:
    return x[0].numel() % VECTOR == 0


class _Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        unit = (2.0 * x).sigmoid_().mul_(2.0).sub_(1.0)
        ctx.save_for_backward(unit)
        return unit

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (unit,) = ctx.saved_tensors
        return torch.ops.aten.tanh_backward(slope, unit)


def tanh(x: Tensor) -> Tensor:
    """Return 2 sigmoid(2 x) - 1."""
    return _Tanh.apply(x) if _fills_vectors(x) else torch.tanh(x)


def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x))."""
    return functional.sigmoid(x) if _fills_vectors(x) else 0.5 + 0.5 * torch.tanh(0.5 * x)


def silu(x: Tensor) -> Tensor:
    """Return x sigmoid(x)."""
    return functional.silu(x) if _fills_vectors(x) else x * sigmoid(x)


def silu_slope(x: Tensor) -> Tensor:
    """Return the derivative of x sigmoid(x)."""
    gate = sigmoid(x)
    return gate * (1.0 + x * (1.0 - gate))
