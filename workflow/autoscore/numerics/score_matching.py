"""The implicit score-matching loss: how good a score estimate is, judged without the truth.

For a density p that falls off at infinity, integration by parts turns
E_p|s - grad log p|^2 / 2 into E_p[|s|^2 / 2 + div s] plus a constant of p alone
(Hyvarinen 2005, "Estimation of non-normalized statistical models by score
matching", theorem 1). Samples of p are enough to compare estimates.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve


def implicit_score_loss(
    score: np.ndarray, divergence: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Return the mean of |s|^2 / 2 + div s over samples, the lower the better.

    Its minimum, where s is the score of p itself, is -E|s|^2 / 2: only differences mean anything.

    Parameters
    ----------
    score
        The estimate s at samples of p, shape ``(n, d)``.
    divergence
        Its divergence there, shape ``(n,)``.
    weights
        Shape ``(n,)``, the measure's; equal ones if left out.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    if score.ndim != 2 or divergence.shape != score.shape[:1]:
        raise ValueError(
            f"a score of shape (n, d) needs a divergence of shape (n,), not {score.shape} and "
            f"{divergence.shape}"
        )
    return float(np.average(0.5 * (score**2).sum(-1) + divergence, weights=weights))


@dataclass(frozen=True)
class QuadraticLoss:
    """The implicit loss of s_0 + sum_i w_i s_i: the quadratic w.G w / 2 + b.w + c.

    Attributes
    ----------
    gram
        G, shape ``(m, m)``: E[s_i . s_j].
    linear
        b, shape ``(m,)``: E[s_0 . s_i + div s_i].
    constant
        c: E[|s_0|^2 / 2 + div s_0].
    """

    gram: np.ndarray
    linear: np.ndarray
    constant: float = 0.0

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """Return the loss, shape ``(...)``, of weights of shape ``(..., m)``."""
        return 0.5 * (weights @ self.gram * weights).sum(-1) + weights @ self.linear + self.constant

    def minimiser(self, penalty: np.ndarray, total: float | None = None) -> np.ndarray:
        """Return the weights of least loss plus w.R w / 2, shape ``(m,)``.

        Parameters
        ----------
        penalty
            R, shape ``(m, m)``, such that G + R is positive definite.
        total
            If given, what the weights must sum to.
        """
        columns = np.stack([-self.linear, np.ones(len(self.linear))], axis=1)
        if not self.gram.any():  # of fields that are 0 everywhere, no weights are better
            return np.full(len(self.linear), (total or 0.0) / len(self.linear))
        factor = cho_factor(self.gram + penalty, check_finite=False)  # half the time of `solve`
        free, lift = cho_solve(factor, columns, check_finite=False).T
        # the second column is the direction in which a sum is reached at the least loss
        return free if total is None else free + (total - free.sum()) / lift.sum() * lift
