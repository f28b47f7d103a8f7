"""Both losses of one reconstruction function, and how they differ at small noise (P1).

For v = (r - x) / sigma^2 that has a limit, L_DAE - L_RCAE is
sigma^6 E_p[lap div v + v . lap v] + O(sigma^8), while the losses are sigma^2 d + O(sigma^4).
If v is the score of p to leading order, the coefficient is an integral of div(p lap v), which
vanishes. If r does not approach the identity, the difference is sigma^2 E_p[(r - x) . lap r] +
O(sigma^4): of the same order as the contraction itself, unless r is linear.

So small differences need integrals over x and the noise that are all but exact. On the line they
are had on a lattice of noisy points y: the trapezoidal rule converges faster than any power for
what is as smooth as a Gaussian times a network (Trefethen and Weideman 2014), and r is evaluated
at each y alone, however many x it may come from.
"""

from dataclasses import dataclass

import numpy as np

from autoscore.fields import Field
from autoscore.wording import require

REACH = 9.0  # standard deviations of noise beyond the outermost clean points
SPACING = 0.25  # of the lattice, in units of sigma
FINEST = 4000  # its points at least, which trained models may need where sigma is large


@dataclass(frozen=True)
class Pairs:
    """Clean points x, noisy points y = x + sigma e, and the weights of all pairs (d = 1).

    Attributes
    ----------
    x, y
        Shapes ``(n, 1)`` and ``(m, 1)``.
    clean
        Weights of the clean points, ``(n,)``.
    joint
        Weights of the pairs, ``(m, n)``; each column sums to that of its clean point.
    """

    x: np.ndarray
    y: np.ndarray
    clean: np.ndarray
    joint: np.ndarray


def noisy_pairs(x: np.ndarray, weights: np.ndarray, sigma: float) -> Pairs:
    """Return the rule for expectations over clean and noisy points.

    Parameters
    ----------
    x, weights
        Nodes ``(n, 1)`` and weights ``(n,)`` of a quadrature over the density.
    sigma
        Standard deviation of the noise.

    Raises
    ------
    ValueError
        If d is not 1, or there are no nodes.
    """
    require("the lattice of noisy points", len(x))
    if x.shape[1] != 1:
        raise ValueError(f"the lattice of noisy points needs d = 1, not {x.shape[1]}")
    low, high = x.min() - REACH * sigma, x.max() + REACH * sigma
    count = max(FINEST, int(np.ceil((high - low) / (SPACING * sigma))) + 1)
    y = np.linspace(low, high, count)[:, None]
    joint = np.exp(-0.5 * ((y - x[:, 0]) / sigma) ** 2)
    return Pairs(x, y, weights, joint * (weights / joint.sum(0)))


def denoising_loss(found: np.ndarray, pairs: Pairs) -> float:
    """Return L_DAE(r) = E|r(y) - x|^2, where `found` is r(y), of shape ``(m, 1)``."""
    return float((pairs.joint * (found - pairs.x[:, 0]) ** 2).sum())


def matching_gap(learned: np.ndarray, best: np.ndarray, pairs: Pairs) -> float:
    """Return how far a denoising loss is from score matching (statement C9).

    For r = x + sigma^2 s_theta, L_DAE(r) exceeds the least loss by sigma^4 E|s_theta - s_sigma|^2
    under p_sigma (Vincent 2011). Both sides are found by themselves.

    Parameters
    ----------
    learned, best
        r(y) of shape ``(m, 1)``, which is not the best, and that of the best.
    pairs
        What both expectations are over.

    Returns
    -------
    float
        The difference of the two sides, relative to the second.
    """
    excess = denoising_loss(learned, pairs) - denoising_loss(best, pairs)
    matching = float(pairs.joint.sum(1) @ ((learned - best) ** 2)[:, 0])
    return abs(excess - matching) / matching


def contractive_loss(field: Field, sigma: float, x: np.ndarray, weights: np.ndarray) -> float:
    """Return L_RCAE(r) = E[|r(x) - x|^2 + sigma^2 |dr/dx|_F^2] at points with weights."""
    contraction = (field.jacobian(x) ** 2).sum((1, 2))
    return float(weights @ (field.reconstruction_error(x) + sigma**2 * contraction))


def both_losses(field: Field, sigma: float, pairs: Pairs) -> dict[str, float]:
    """Return ``denoising`` and ``contractive``, and ``difference``, the first less the second.

    Parameters
    ----------
    field
        The reconstruction; its own sigma may be another.
    sigma
        Standard deviation of the noise.
    pairs
        Clean and noisy points at this sigma.
    """
    denoising = denoising_loss(field(pairs.y), pairs)
    contractive = contractive_loss(field, sigma, pairs.x, pairs.clean)
    difference = denoising - contractive
    return {"denoising": denoising, "contractive": contractive, "difference": difference}
