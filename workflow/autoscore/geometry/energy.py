"""The closed-form energy of a tied auto-encoder with one hidden layer (statement C9).

Kamyshanska and Memisevic (2013), "On autoencoder scoring": with tied weights r(x) - x is the
gradient of a function that can be written down.
"""

from collections.abc import Callable

import numpy as np

from autoscore.fields import Field
from autoscore.numerics.errors import share
from autoscore.wording import require

# What has the activation as its derivative; both are written so that nothing overflows.
INTEGRALS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": lambda a: np.logaddexp(0.0, a),
    "tanh": lambda a: np.logaddexp(a, -a) - np.log(2.0),
}


def tied_potential(
    weights: np.ndarray,
    bias: np.ndarray,
    visible_bias: np.ndarray,
    x: np.ndarray,
    activation: str,
) -> np.ndarray:
    """Return F with grad F = r(x) - x for r(x) = W^T h(W x + b) + c, shape ``(n,)``.

    F(x) = sum_k H(w_k . x + b_k) - |x - c|^2 / 2 with H' = h: the softplus for a sigmoid, the
    logarithm of the hyperbolic cosine for tanh.

    Parameters
    ----------
    weights
        W, shape ``(units, d)``.
    bias, visible_bias
        b, shape ``(units,)``, and c, shape ``(d,)``.
    x
        Points of shape ``(n, d)``.
    activation
        h: ``"sigmoid"`` or ``"tanh"``.

    Raises
    ------
    ValueError
        If the activation has no integral here.
    """
    hidden = _hidden_potential(weights, bias, x, activation)
    return hidden - 0.5 * ((x - visible_bias) ** 2).sum(-1)


def residual_potential(
    weights: np.ndarray,
    bias: np.ndarray,
    visible_bias: np.ndarray,
    z: np.ndarray,
    activation: str,
    *,
    sigma: float,
    residual: str,
) -> np.ndarray:
    """Return F with grad F = r(z) - z for any of the residuals of `Architecture`, shape ``(n,)``.

    With out = W^T h(W z + b) + c: r = out for ``"none"``, where F is the `tied_potential`;
    r = z + sigma out for ``"sigma"`` and r = z + sigma^2 out for ``"score"``, where out is
    itself a gradient, of sum_k H(w_k . z + b_k) + c . z.

    Parameters
    ----------
    weights, bias, visible_bias, z, activation
        As for `tied_potential`, W, b and c being those of the network, and z what it sees.
    sigma
        The field's noise level in units of z.
    residual
        ``"none"``, ``"sigma"`` or ``"score"``.

    Raises
    ------
    ValueError
        If the activation or the residual is unknown.
    """
    if residual == "none":
        return tied_potential(weights, bias, visible_bias, z, activation)
    power = {"sigma": 1, "score": 2}.get(residual)
    if power is None:
        raise ValueError(f"residual must be none, sigma or score, not {residual!r}")
    out = _hidden_potential(weights, bias, z, activation) + z @ visible_bias
    return sigma**power * out


def _hidden_potential(
    weights: np.ndarray, bias: np.ndarray, x: np.ndarray, activation: str
) -> np.ndarray:
    if activation not in INTEGRALS:
        raise ValueError(f"the activation must be one of {sorted(INTEGRALS)}, not {activation!r}")
    return INTEGRALS[activation](x @ weights.T + bias).sum(-1)


def potential_gap(
    field: Field,
    potential: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    nodes: int = 20,
) -> float:
    """Return the largest gap between a potential's differences and the field's path integrals.

    It is relative to the largest difference of the potential among the pairs.

    Parameters
    ----------
    field
        The reconstruction, whose integral of r - x along a segment is sigma^2 times its
        ``log_ratio``.
    potential
        From points ``(n, d)`` to values ``(n,)``, such as `tied_potential` of the field's network.
    x, y
        Ends of the segments, shape ``(n, d)``.
    nodes
        Gauss-Legendre nodes on each segment.

    Raises
    ------
    ValueError
        If there are no pairs.
    """
    require("a gap between differences", len(x))
    closed = potential(y) - potential(x)
    along = field.sigma**2 * field.log_ratio(x, y, nodes=nodes)
    return share(np.abs(closed - along).max(), np.abs(closed).max())
