"""Derivatives of separate auto-encoders, written out: by weights, by inputs, and the Jacobian."""

from typing import Any

import torch
from torch import Tensor

from autoscore.train.products import affine, by_weight, outer


class Reconstruction(torch.autograd.Function):
    """The reconstruction of a stack `Separate`, with its gradients by weights and inputs.

    PyTorch's own derivation gives the same numbers, but a step of a small network spends most of
    its time on moving units between memory and processor. Here every layer has one piece of memory
    on the way out, and `back`, the gradient by what a layer gives, one for all layers.
    """

    @staticmethod
    def forward(ctx: Any, stack: Any, theta: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
        named = stack.views(theta)
        units = stack.units(named, x, stack.activation.value_)
        out = affine(named["decoder.bias"], units[-1], stack.decoder(named))
        if stack.bend is not None:
            out = stack.bend.value_(out)
        ctx.stack = stack
        ctx.save_for_backward(theta, sigma, out if stack.bend else None, x, *units)
        scale = stack.scale_of_output(sigma)
        return out if scale is None else x + scale * out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        stack, (theta, sigma, out, *units) = ctx.stack, ctx.saved_tensors
        gradient = torch.empty_like(theta)
        named, found = stack.views(theta), stack.views(gradient)
        scale, decoder = stack.scale_of_output(sigma), stack.decoder(named)
        back = slope if scale is None else slope * scale
        if stack.bend is not None:
            back = stack.bend.back_(back.clone(), out)
        found["decoder.bias"].copy_(back.sum(1, keepdim=True))
        by_decoder = by_weight(units[-1], back)
        back = outer(back, decoder)
        for layer in reversed(range(len(units) - 1)):
            back = stack.activation.back_(back, units[layer + 1])
            found[f"encoder.{layer}.bias"].copy_(back.sum(1, keepdim=True))
            found[f"encoder.{layer}.weight"].copy_(by_weight(units[layer], back))
            if layer or ctx.needs_input_grad[2]:
                back = torch.bmm(back, named[f"encoder.{layer}.weight"].transpose(1, 2))
        if stack.is_tied:
            found["encoder.0.weight"].add_(by_decoder.transpose(1, 2))
        else:
            found["decoder.weight"].copy_(by_decoder)
        if not ctx.needs_input_grad[2]:
            return None, gradient, None, None
        return None, gradient, back if scale is None else back + slope, None


def network_jacobian(weights: list[Tensor], steepness: list[Tensor], decoder: Tensor) -> Tensor:
    """Return the derivative of the network's output i by its input j at [..., i, j].

    `weights` are the encoder's, each ``(m, inputs, units)``, `steepness` the derivative of each
    layer of units, ``(m, n, units)``, and `decoder` has shape ``(m, units, d)``.
    """
    m, n, _ = steepness[0].shape
    d = decoder.shape[-1]
    if len(weights) == 1 and d <= n:  # with many points and few directions, not the reverse
        # sum_h V_hi steepness_h W_jh is linear in the steepness: one matrix product
        pairs = decoder[:, :, :, None] * weights[0].transpose(1, 2)[:, :, None, :]
        return torch.bmm(steepness[0], pairs.reshape(m, -1, d * d)).view(m, n, d, d)
    slope = weights[0][:, None] * steepness[0][:, :, None, :]  # (m, n, d, units)
    for weight, layer in zip(weights[1:], steepness[1:], strict=True):
        slope = torch.bmm(slope.flatten(1, 2), weight).unflatten(1, (n, d)) * layer[:, :, None, :]
    return affine(None, slope.flatten(1, 2), decoder).view(m, n, d, d).transpose(2, 3)
