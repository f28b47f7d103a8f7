"""Both losses of one reconstruction function, and how they differ at small noise (P1).

For v = (r - x) / sigma^2 that has a limit, L_DAE - L_RCAE is
sigma^6 E_p[lap div v + v . lap v] + O(sigma^8), while the losses are sigma^2 d + O(sigma^4).
If v is the score of p to leading order, the coefficient is an integral of div(p lap v), which
vanishes. If r does not approach the identity, the difference is sigma^2 E_p[(r - x) . lap r] +
O(sigma^4): of the same order as the contraction itself, unless r is linear.
"""

import numpy as np
import pandas as pd
from numpy.polynomial.hermite_e import hermegauss

from autoscore.fields import Field

MOST_DIMENSIONS = 2  # for a product rule


def gaussian_nodes(
    dim: int, nodes: int = 16, rng: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return points ``(m, d)`` and weights ``(m,)`` for expectations over e ~ N(0, I).

    Up to two dimensions they are a product of Gauss-Hermite rules. In more they are draws, in
    pairs e and -e and turned and scaled so that their second moments are those of N(0, I): then
    both losses of a linear r agree exactly, and what is left is not hidden by the draws. Fourth
    moments are off by a share of order d / nodes.

    Parameters
    ----------
    dim
        Dimension d.
    nodes
        Points along each axis, or pairs.
    rng
        Draws the pairs; needed if d > 2.

    Raises
    ------
    ValueError
        If d > 2 and there is no generator, or there are fewer pairs than dimensions.
    """
    if dim > MOST_DIMENSIONS:
        if rng is None:
            raise ValueError(f"noise in {dim} dimensions is drawn, which needs a generator")
        if nodes < dim:
            raise ValueError(f"noise in {dim} dimensions needs as many pairs, not {nodes}")
        half = np.sqrt(nodes) * np.linalg.qr(rng.standard_normal((nodes, dim)))[0]
        return np.concatenate([half, -half]), np.full(2 * nodes, 0.5 / nodes)
    points, weights = hermegauss(nodes)
    weights = weights / weights.sum()
    chosen = np.indices((nodes,) * dim).reshape(dim, -1).T
    return points[chosen], weights[chosen].prod(1)


def reconstructions(
    field: Field, sigma: float, x: np.ndarray, noise: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Return r(x + sigma e) of shape ``(m, n, d)``.

    Parameters
    ----------
    field
        The reconstruction r, kept as it is whatever sigma below is.
    sigma
        Standard deviation of the noise.
    x
        Clean points ``(n, d)``.
    noise
        m points e and their weights, from `gaussian_nodes`.
    """
    return np.stack([field(x + sigma * e) for e in noise[0]])


def denoising_loss(
    found: np.ndarray, x: np.ndarray, weights: np.ndarray, noise: tuple[np.ndarray, np.ndarray]
) -> float:
    """Return L_DAE(r) = E|r(x + sigma e) - x|^2.

    Parameters
    ----------
    found
        What `reconstructions` returned.
    x, weights
        Clean points ``(n, d)`` and their weights ``(n,)``.
    noise
        As for `reconstructions`.
    """
    return float(noise[1] @ ((found - x) ** 2).sum(2) @ weights)


def matching_gap(
    learned: np.ndarray,
    best: np.ndarray,
    x: np.ndarray,
    weights: np.ndarray,
    noise: tuple[np.ndarray, np.ndarray],
) -> float:
    """Return how far a denoising loss is from score matching (statement C9).

    For r = x + sigma^2 s_theta, L_DAE(r) exceeds the least loss by sigma^4 E|s_theta - s_sigma|^2
    under p_sigma (Vincent 2011). Both sides are found by themselves.

    Parameters
    ----------
    learned, best
        What `reconstructions` returned for r, which is not the best, and for the best.
    x, weights, noise
        As there.

    Returns
    -------
    float
        The difference of the two sides, relative to the second.
    """
    least = denoising_loss(best, x, weights, noise)
    excess = denoising_loss(learned, x, weights, noise) - least
    matching = denoising_loss(learned, best, weights, noise)
    return abs(excess - matching) / matching


def contractive_loss(field: Field, sigma: float, x: np.ndarray, weights: np.ndarray) -> float:
    """Return L_RCAE(r) = E[|r(x) - x|^2 + sigma^2 |dr/dx|_F^2] at points with weights."""
    contraction = (field.jacobian(x) ** 2).sum((1, 2))
    return float(weights @ (field.reconstruction_error(x) + sigma**2 * contraction))


def loss_table(
    fields: list[tuple[float, Field]],
    x: np.ndarray,
    weights: np.ndarray,
    noise: tuple[np.ndarray, np.ndarray],
    found: list[np.ndarray] | None = None,
) -> pd.DataFrame:
    """Return both losses at several noise levels.

    Parameters
    ----------
    fields
        Noise levels, each with the reconstruction that is judged there: the level's own, or the
        same at all levels.
    x, weights, noise
        As for `denoising_loss`; the noise is the same at all levels.
    found
        What `reconstructions` returned at each level, if that is known.

    Returns
    -------
    pandas.DataFrame
        A row a level: ``sigma``, ``denoising``, ``contractive``, and ``difference``, the first
        less the second.
    """
    if found is None:
        found = [reconstructions(field, sigma, x, noise) for sigma, field in fields]
    rows = []
    for (sigma, field), level in zip(fields, found, strict=True):
        denoising = denoising_loss(level, x, weights, noise)
        contractive = contractive_loss(field, sigma, x, weights)
        losses = {"sigma": sigma, "denoising": denoising, "contractive": contractive}
        rows.append(losses | {"difference": denoising - contractive})
    return pd.DataFrame(rows)


def difference_order(table: pd.DataFrame) -> float:
    """Return the exponent k of |L_DAE - L_RCAE| ~ sigma^k in a `loss_table`, by least squares."""
    return float(np.polyfit(np.log(table["sigma"]), np.log(table["difference"].abs()), 1)[0])
