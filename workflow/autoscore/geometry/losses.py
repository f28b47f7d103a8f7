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


def denoising_loss(
    field: Field,
    sigma: float,
    x: np.ndarray,
    weights: np.ndarray,
    noise: tuple[np.ndarray, np.ndarray],
) -> float:
    """Return L_DAE(r) = E|r(x + sigma e) - x|^2.

    Parameters
    ----------
    field
        The reconstruction r, kept as it is whatever sigma below is.
    sigma
        Standard deviation of the noise.
    x, weights
        Clean points ``(n, d)`` and their weights ``(n,)``.
    noise
        Points e and their weights, from `gaussian_nodes`.
    """
    errors = [weights @ ((field(x + sigma * e) - x) ** 2).sum(1) for e in noise[0]]
    return float(noise[1] @ errors)


def contractive_loss(field: Field, sigma: float, x: np.ndarray, weights: np.ndarray) -> float:
    """Return L_RCAE(r) = E[|r(x) - x|^2 + sigma^2 |dr/dx|_F^2]; see `denoising_loss`."""
    contraction = (field.jacobian(x) ** 2).sum((1, 2))
    return float(weights @ (field.reconstruction_error(x) + sigma**2 * contraction))


def loss_table(
    fields: list[tuple[float, Field]],
    x: np.ndarray,
    weights: np.ndarray,
    noise: tuple[np.ndarray, np.ndarray],
) -> pd.DataFrame:
    """Return both losses at several noise levels.

    Parameters
    ----------
    fields
        Noise levels, each with the reconstruction that is judged there: the level's own, or the
        same at all levels.
    x, weights, noise
        As for `denoising_loss`; the noise is the same at all levels.

    Returns
    -------
    pandas.DataFrame
        A row a level: ``sigma``, ``denoising``, ``contractive``, and ``difference``, the first
        less the second.
    """
    rows = []
    for sigma, field in fields:
        denoising = denoising_loss(field, sigma, x, weights, noise)
        contractive = contractive_loss(field, sigma, x, weights)
        losses = {"sigma": sigma, "denoising": denoising, "contractive": contractive}
        rows.append(losses | {"difference": denoising - contractive})
    return pd.DataFrame(rows)


def difference_order(table: pd.DataFrame) -> float:
    """Return the exponent k of |L_DAE - L_RCAE| ~ sigma^k in a `loss_table`, by least squares."""
    return float(np.polyfit(np.log(table["sigma"]), np.log(table["difference"].abs()), 1)[0])
