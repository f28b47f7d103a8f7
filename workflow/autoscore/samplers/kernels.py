"""What every sampler is made of.

A kernel is a pair of pure functions on a batch of n chains: ``init(x)`` returns a `State`, and
``step(state, normals)`` the next one with an `Info`. All randomness enters as standard normals,
one row per chain and step, so that a chain depends neither on the number of chains nor on how many
steps' numbers are drawn at once. A uniform number is the distribution function of a normal one.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
from scipy.special import ndtr


@dataclass(frozen=True)
class State:
    """What a step needs from the one before: the positions x, shape ``(n, d)``."""

    x: np.ndarray


@dataclass(frozen=True)
class TargetState(State):
    """Positions with the score ``(n, d)`` and log p ``(n,)`` there, None where not needed."""

    score: np.ndarray | None
    log_prob: np.ndarray | None


S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class Info:
    """What a step did, none of which is carried on.

    Chains moved to the proposals ``(n, d)`` where they are accepted, ``(n,)``. `log_acceptance` is
    the logarithm of the acceptance ratio before it is cut at 1, ``(n,)``, and -inf where it could
    not be computed. `evaluations` and `jacobians` count the points at which the field (or an exact
    log p), and its Jacobian, were evaluated.
    """

    proposal: np.ndarray
    accepted: np.ndarray
    log_acceptance: np.ndarray
    evaluations: int
    jacobians: int = 0


class Kernel(ABC):
    """One sampler with all its parameters, a dataclass.

    Each kernel says what `step_size`, which can be tuned, means. Messages use its `name`. A kernel
    that is not `adjusted` accepts every move.
    """

    name: ClassVar[str]
    adjusted: ClassVar[bool] = True
    step_size: float

    @property
    def sigma(self) -> float | None:
        """Noise level of the field behind the chain; None for an exact density."""
        return getattr(self, "field", getattr(self, "target", None)).sigma

    def normals(self, dim: int) -> int:
        """Return the number of standard normals per chain and step: one more if it may reject."""
        return dim + self.adjusted

    def init(self, x: np.ndarray) -> State:
        """Return the state of chains at x, shape ``(n, d)``."""
        return State(x)

    def move(self, step_size: np.ndarray | float) -> tuple | None:
        """Return a and b of the move x + a s(x) + b xi with this step, None for any other move."""
        return None

    @abstractmethod
    def step(self, state: State, normals: np.ndarray) -> tuple[State, Info]:
        """Return the next state, given standard normals of shape ``(n, normals(d))``."""


def all_accepted(x: np.ndarray, evaluations: int) -> Info:
    """Return the `Info` of a move to x, shape ``(n, d)``, that is never rejected."""
    return Info(x, np.ones(len(x), dtype=bool), np.zeros(len(x)), evaluations)


def select(mask: np.ndarray, new: S, old: S) -> S:
    """Return the state that is `new` where the mask ``(n,)`` holds and `old` elsewhere."""
    chosen = {}
    for name, values in vars(old).items():
        if values is not None:
            if values.ndim == 2 and values.flags.f_contiguous:  # a column at a time
                whole = mask[:, None]
            else:
                # in few dimensions a mask of full shape is read much faster than a broadcast one
                whole = np.repeat(mask, values[0].size).reshape(values.shape)
            values = np.where(whole, getattr(new, name), values)
        chosen[name] = values
    return type(old)(**chosen)


def metropolis(
    old: S, new: S, log_ratio: np.ndarray, normal: np.ndarray, evaluations: int, jacobians: int = 0
) -> tuple[S, Info]:
    """Accept each chain's proposal with probability min(1, ratio), or leave it where it is.

    `log_ratio` is the logarithm of the Metropolis-Hastings ratio; proposals are rejected where it
    is NaN or they are not finite. `normal` holds one standard normal per chain. All are ``(n,)``.
    """
    # sums show whether any value needs care, which costs less than a look at each
    if np.isnan(log_ratio.sum()):
        log_ratio = np.where(np.isnan(log_ratio), -np.inf, log_ratio)
    if not np.isfinite(new.x.sum()):
        log_ratio[~np.isfinite(new.x).all(-1)] = -np.inf
    accepted = ndtr(normal) < np.exp(np.minimum(log_ratio, 0.0))
    info = Info(new.x, accepted, log_ratio, evaluations, jacobians)
    return select(accepted, new, old), info
