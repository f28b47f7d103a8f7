"""Units whose values do not depend, to the last bit, on which members are computed beside them.

PyTorch computes sigmoids in whole vectors of numbers, and rounds the few at the end of a tensor,
which do not fill one, in another way. Where a member's numbers fill whole vectors there is no such
end, whoever is last; elsewhere sigmoids are made of tanh, which is rounded alike everywhere.
"""

import torch
from torch.nn import functional

from autoscore.numerics.exponentials import VECTOR


def _fills_vectors(x: torch.Tensor) -> bool:
    return x[0].numel() % VECTOR == 0


def sigmoid(x: torch.Tensor) -> torch.Tensor:
    """Return 1 / (1 + exp(-x)) of each number of ``(m, ...)``."""
    return functional.sigmoid(x) if _fills_vectors(x) else 0.5 + 0.5 * torch.tanh(0.5 * x)


def silu(x: torch.Tensor) -> torch.Tensor:
    """Return x sigmoid(x) of each number of ``(m, ...)``."""
    return functional.silu(x) if _fills_vectors(x) else x * sigmoid(x)


def silu_slope(x: torch.Tensor) -> torch.Tensor:
    """Return the derivative of x sigmoid(x)."""
    gate = sigmoid(x)
    return gate * (1.0 + x * (1.0 - gate))
