"""How symmetric dr/dx is where it is too large to look at: the paper's model has a closed form.

With one hidden layer A = dr/dx = V^T diag(h') W^T, h' the steepness of the units, and what is
wanted of A are quadratic forms of h' in matrices that are the same for all points.
"""

import numpy as np
import torch

from autoscore.models.separate.network import Separate


def jacobian_moments(
    stack: Separate, theta: torch.Tensor, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return |A|^2, tr A A and tr A of A = dr/dx, each of shape ``(m, n)``.

    Parameters
    ----------
    stack
        Auto-encoders r = net(x) with one hidden layer.
    theta
        Their parameters, shape ``(m, parameters)``.
    x
        What the networks see, shape ``(m, n, d)``, see `Stack.inward`.

    Raises
    ------
    ValueError
        If they are of another form.
    """
    shape = stack.architecture
    if len(shape.hidden) != 1 or shape.residual != "none":
        raise ValueError(f"closed forms are for one hidden layer and r = net(x), not {shape}")
    steepness, encoder, decoder = stack.steepness(theta, x)
    own = torch.bmm(decoder, encoder)  # (m, units, units): what a unit's output does to others
    pairs = torch.bmm(decoder, decoder.mT) * torch.bmm(encoder.mT, encoder)
    squares = (torch.bmm(steepness, pairs) * steepness).sum(-1)
    products = (torch.bmm(steepness, own * own.mT) * steepness).sum(-1)
    trace = torch.bmm(steepness, own.diagonal(dim1=1, dim2=2)[..., None])[..., 0]
    return squares, products, trace


def mean_symmetry(stack: Separate, theta: torch.Tensor, x: torch.Tensor) -> np.ndarray:
    """Return the mean symmetry over points of dr/dx and of dr/dx - I, shape ``(m, 2)``.

    Parameters are those of `jacobian_moments`. Symmetry is |S|^2 / (|S|^2 + |K|^2), which is
    (1 + tr A A / |A|^2) / 2 (statement C4).
    """
    with torch.no_grad(), torch.autocast(theta.device.type, enabled=False):
        squares, products, trace = jacobian_moments(stack, theta, x.to(theta.device))
    whole = 0.5 * (1.0 + products / squares)
    less = stack.dim - 2.0 * trace
    beside = 0.5 * (1.0 + (products + less) / (squares + less))
    return torch.stack([whole.mean(1), beside.mean(1)], dim=1).cpu().numpy()
