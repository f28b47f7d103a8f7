"""The implicit score-matching loss: how good a score estimate is, judged without the truth.

For a density p that falls off at infinity, integration by parts turns E_p|s - grad log p|^2 / 2
into E_p[|s|^2 / 2 + div s] plus a constant of p alone (Hyvarinen 2005, "Estimation of
non-normalized statistical models by score matching", theorem 1). Samples of p are enough to
compare estimates.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve


@dataclass(frozen=True)
class QuadraticLoss:
    """The implicit loss of s_0 + sum_i w_i s_i: the quadratic w.G w / 2 + b.w + c."""

    gram: np.ndarray  # G, (m, m): E[s_i . s_j]
    linear: np.ndarray  # b, (m,): E[s_0 . s_i + div s_i]
    constant: float = 0.0  # c: E[|s_0|^2 / 2 + div s_0]

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """Return the loss, shape ``(...)``, of weights of shape ``(..., m)``."""
        return 0.5 * (weights @ self.gram * weights).sum(-1) + weights @ self.linear + self.constant

    def minimiser(self, penalty: np.ndarray, total: float | None = None) -> np.ndarray:
        """Return the weights ``(m,)`` of least loss plus w.R w / 2, which sum to `total` if given.

        The penalty R ``(m, m)`` makes G + R positive definite.
        """
        columns = np.stack([-self.linear, np.ones(len(self.linear))], axis=1)
        if not self.gram.any():  # for fields that are 0 everywhere, all weights are equally good
            return np.full(len(self.linear), (total or 0.0) / len(self.linear))
        factor = cho_factor(self.gram + penalty, check_finite=False)  # half the time of `solve`
        free, lift = cho_solve(factor, columns, check_finite=False).T
        # the second column is the direction in which a sum is reached at the least loss
        return free if total is None else free + (total - free.sum()) / lift.sum() * lift
