"""Answers found without the library: other tools, other formulas.

Densities are written anew in torch, whose automatic differentiation is compared with the library's
closed forms; expectations are SciPy's adaptive integrals; derivatives are sixth-order differences.
"""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import yaml
from scipy.integrate import quad

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
QUICK = yaml.safe_load((ROOT / "config" / "quick.yaml").read_text(encoding="utf-8"))
THREE_WELLS = CONFIG["densities"]["three_wells"]

# How often a correct sampler would fail a Kolmogorov-Smirnov test here under another seed.
FALSE_ALARM = 1e-6


def three_wells_energy(x):
    """Return the authors' one-dimensional energy, for floats, arrays and tensors."""
    return (10 * (x + 1) ** 2 + 1) * (20 * x**2 + 1) * (30 * (x - 1) ** 2 + 1) / 1000


def mixture_log_prob(weights, means, covariances) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return log p of a Gaussian mixture, from tensors (n, d) to (n,)."""
    weights, means, covariances = (
        torch.as_tensor(np.asarray(part, dtype=float)) for part in (weights, means, covariances)
    )
    norm = torch.logdet(2 * math.pi * covariances)

    def log_prob(x: torch.Tensor) -> torch.Tensor:
        offset = x[:, None, :] - means
        solved = torch.linalg.solve(covariances, offset[..., None])[..., 0]
        square = (offset * solved).sum(-1)
        return torch.logsumexp(torch.log(weights / weights.sum()) - 0.5 * (square + norm), 1)

    return log_prob


def kernel_log_prob(points, bandwidth) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return log p of equal Gaussian kernels, from tensors (n, d) to (n,)."""
    n, d = np.shape(points)
    covariances = np.broadcast_to(bandwidth**2 * np.eye(d), (n, d, d)).copy()
    return mixture_log_prob(np.ones(n), points, covariances)


def gradient(values: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return the gradient of each value (n,) by its own row of x, (n, d)."""
    if not values.requires_grad:  # a constant
        return torch.zeros_like(x)
    (found,) = torch.autograd.grad(
        values.sum(), x, create_graph=True, allow_unused=True, materialize_grads=True
    )
    return found


def derivatives(log_prob, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return score, Hessian, Laplacian and advection of the score by automatic differentiation."""
    points = torch.tensor(x, requires_grad=True)
    score = gradient(log_prob(points), points)
    hessian = torch.stack([gradient(part, points) for part in score.T], dim=1)
    found = {
        "score": score,
        "hessian": hessian,
        "score_laplacian": gradient(hessian.diagonal(dim1=1, dim2=2).sum(-1), points),
        "advection": gradient(0.5 * (score**2).sum(-1), points),  # (s . grad) s, as s is a gradient
    }
    return {name: part.detach().numpy() for name, part in found.items()}


def difference(f, x: np.ndarray, step: float = 2e-3) -> np.ndarray:
    """Return the derivatives of f by every coordinate, appended as a last axis, of sixth order."""
    columns = []
    for axis in np.eye(x.shape[1]):
        columns.append(
            sum(
                weight * (f(x + k * step * axis) - f(x - k * step * axis))
                for k, weight in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))
            )
            / step
        )
    return np.stack(columns, axis=-1)


def implicit_score_loss(score, divergence, weights=None) -> float:
    """Return E[|s|^2 / 2 + div s] (Hyvarinen 2005, theorem 1) of scores (n, d)."""
    return float(np.average(0.5 * (score**2).sum(-1) + divergence, weights=weights))


def integral(f, low: float, high: float, breaks=()) -> float:
    """Return SciPy's adaptive integral of a function of one float."""
    inside = [at for at in breaks if low < at < high]
    return quad(f, low, high, points=inside or None, limit=400, epsabs=1e-12, epsrel=1e-11)[0]


def posterior_moments(energy, bounds, y: float, sigma: float) -> tuple[float, float]:
    """Return E[x | y] and Var[x | y] for p ~ exp(-energy) on an interval and y = x + e."""
    low, high = max(bounds[0], y - 12 * sigma), min(bounds[1], y + 12 * sigma)

    def exponent(x):
        return -energy(x) - 0.5 * ((y - x) / sigma) ** 2

    grid = np.linspace(low, high, 2001)
    values = exponent(grid)
    top, breaks = values.max(), [float(grid[values.argmax()])]

    def moment(f):
        return integral(lambda x: f(x) * math.exp(exponent(x) - top), low, high, breaks)

    total = moment(lambda x: 1.0)
    mean = moment(lambda x: x) / total
    return mean, moment(lambda x: (x - mean) ** 2) / total
