"""Symmetry of dr/dx in closed form, where the matrix is too large to compute (statement C4)."""

from collections.abc import Callable

import numpy as np
import torch

from autoscore.models.corrected.network import Corrected
from autoscore.models.separate.network import Separate
from autoscore.numerics.streams import generator
from autoscore.train.fit import Trace

PROBES = 200  # validation images at which symmetry is followed


def mean_symmetry(stack: Separate, theta: torch.Tensor, x: torch.Tensor) -> np.ndarray:
    """Return the mean symmetry over points of dr/dx and of dr/dx - I, shape ``(m, 2)``.

    The symmetry |S|^2 / (|S|^2 + |K|^2) of a matrix A is (1 + tr A A / |A|^2) / 2. With one hidden
    layer and r = net(x), A = dr/dx = V^T diag(h') W^T, where h' is the steepness of the units; so
    |A|^2, tr A A and tr A are forms of h' in matrices that are the same for all points. Parameters
    `theta` have the shape ``(m, parameters)``, the networks' inputs `x` (see `Stack.inward`)
    ``(m, n, d)``.
    """
    with torch.no_grad(), torch.autocast(theta.device.type, enabled=False):
        steepness, encoder, decoder = stack.steepness(theta, x.to(theta.device))
        own = torch.bmm(decoder, encoder)  # (m, units, units): what a unit's output does to others
        pairs = torch.bmm(decoder, decoder.mT) * torch.bmm(encoder.mT, encoder)
        squares = (torch.bmm(steepness, pairs) * steepness).sum(-1)
        products = (torch.bmm(steepness, own * own.mT) * steepness).sum(-1)
        trace = torch.bmm(steepness, own.diagonal(dim1=1, dim2=2)[..., None])[..., 0]
    whole = 0.5 * (1.0 + products / squares)
    less = stack.dim - 2.0 * trace
    beside = 0.5 * (1.0 + (products + less) / (squares + less))
    return torch.stack([whole.mean(1), beside.mean(1)], dim=1).cpu().numpy()


def follow_symmetry(
    stack: Separate, points: np.ndarray, streams: tuple
) -> Callable[[torch.Tensor], np.ndarray]:
    """Return the function of theta that measures `mean_symmetry` at some of the points, noisy."""
    x = points[:PROBES]
    noise = generator(*streams, "symmetry").standard_normal(x.shape)
    noisy = torch.as_tensor(x + stack.sigmas[:, None, None] * noise, dtype=stack.theta.dtype)
    return lambda theta: mean_symmetry(stack, theta, noisy)


def symmetry_rows(stack: Separate | Corrected, trace: Trace) -> list[dict]:
    """Return rows of what `follow_symmetry` observed: step, sigma and both symmetries."""
    return [
        {"step": step, "sigma": sigma, "symmetry": whole, "symmetry_beside_identity": beside}
        for step, seen in zip(trace.observed_steps, trace.observed, strict=True)
        for sigma, (whole, beside) in zip(stack.sigmas, seen.tolist(), strict=True)
    ]
