"""How symmetric dr/dx is where it is too large to look at: the paper's model has a closed form.

With one hidden layer A = dr/dx = V^T diag(h') W^T, h' the steepness of the units, and what is
wanted of A are quadratic forms of h' in matrices that are the same for all points.
"""

import torch

from autoscore.autoencoders.ensemble import Ensemble


def jacobian_moments(
    stack: Ensemble, theta: torch.Tensor, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return |A|^2, tr A A and tr A of A = dr/dx, each of shape ``(m, n)``.

    Parameters
    ----------
    stack
        Auto-encoders r = net(x) with one hidden layer.
    theta
        Their parameters, shape ``(m, parameters)``.
    x
        Points, shape ``(m, n, d)``.

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


def symmetry_rows(stack: Ensemble, theta: torch.Tensor, x: torch.Tensor) -> list[dict]:
    """Return a row a member: sigma, and the mean symmetry of dr/dx and of dr/dx - I over points.

    Parameters are those of `jacobian_moments`. Symmetry is |S|^2 / (|S|^2 + |K|^2), which is
    (1 + tr A A / |A|^2) / 2 (statement C4).
    """
    with torch.no_grad():
        squares, products, trace = jacobian_moments(stack, theta, x.to(theta.device))
    whole = 0.5 * (1.0 + products / squares)
    less = stack.dim - 2.0 * trace
    beside = 0.5 * (1.0 + (products + less) / (squares + less))
    return [
        {
            "sigma": float(sigma),
            "symmetry": float(symmetry.mean()),
            "symmetry_beside_identity": float(other.mean()),
        }
        for sigma, symmetry, other in zip(stack.sigmas, whole, beside, strict=True)
    ]
