"""Activations whose values, to the last bit, do not depend on which members share the stack.

PyTorch computes sigmoids in whole vectors of numbers and rounds the rest, at the end of a tensor,
differently. If a member's numbers fill whole vectors, there is no rest; otherwise sigmoids are made
of tanh, which is rounded alike everywhere. All functions are elementwise, on ``(m, ...)``.

PyTorch's tanh takes four times as long as its sigmoid, and most of a small network's time. NumPy's
is the fastest with AVX-512, and rounds every number alike. Elsewhere tanh is made of a sigmoid, as
exact beside 1, though no longer relative to its own value near 0.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from autoscore.numerics.exponentials import VECTOR, numpy_is_fast

NUMPY_S = (torch.float32, torch.float64)  # bfloat16 is none


def _fills_vectors(x: Tensor) -> bool:
    return x[0].numel() % VECTOR == 0


class _Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        unit = _tanh_(x.clone())
        ctx.save_for_backward(unit)
        return unit

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (unit,) = ctx.saved_tensors
        return torch.ops.aten.tanh_backward(slope, unit)


def _tanh_(x: Tensor) -> Tensor:
    """Overwrite x with its tanh, as fast as can be."""
    if x.device.type == "cpu" and x.dtype in NUMPY_S and numpy_is_fast():
        numbers = x.numpy()
        np.tanh(numbers, out=numbers)
        return x
    return x.mul_(2.0).sigmoid_().mul_(2.0).sub_(1.0) if _fills_vectors(x) else x.tanh_()


def tanh(x: Tensor) -> Tensor:
    """Return tanh x."""
    return _Tanh.apply(x)


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


class Activation(NamedTuple):
    """A function of every number, and its derivative as a function of the value.

    What ends in an underscore works in the memory of its first argument, and PyTorch must not
    differentiate it: `value_` overwrites x with the value, and `back_` overwrites the gradient by
    the value, its second argument, with the gradient by x.
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    value_: Callable[[Tensor], Tensor]
    back_: Callable[[Tensor, Tensor], Tensor]


def _back_(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """Return PyTorch's own fused product of gradient and slope, written over the gradient."""
    fused = getattr(torch.ops.aten, f"{name}_backward").grad_input
    return lambda gradient, unit: fused(gradient, unit, grad_input=gradient)


ACTIVATIONS = {
    "tanh": Activation(
        tanh,
        lambda unit: 1.0 - unit**2,
        _tanh_,
        _back_("tanh"),
    ),
    "sigmoid": Activation(
        sigmoid,
        lambda unit: unit * (1.0 - unit),
        lambda x: x.sigmoid_() if _fills_vectors(x) else sigmoid(x),
        _back_("sigmoid"),
    ),
}
