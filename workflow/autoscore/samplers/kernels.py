"""What every sampler is made of.

A kernel is a pair of pure functions on a batch of n chains: ``init(x)`` returns a `State`, and
``step(state, normals)`` the next one with an `Info`. All randomness enters as standard normals,
one row per chain and step, so that a chain depends neither on the number of chains nor on how many
steps' numbers are drawn at once. A uniform number is the distribution function of a normal one.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self, TypeVar

import numpy as np
from scipy.special import ndtr

from autoscore.samplers.targets import Known


@dataclass(frozen=True)
class State:
    """What a step needs from the one before: the positions x, shape ``(n, d)``."""

    x: np.ndarray


@dataclass(frozen=True)
class TargetState(State):
    """Positions with the score ``(n, d)`` and log p ``(n,)`` there, None where not needed."""

    score: np.ndarray | None
    log_prob: np.ndarray | None

    @property
    def known(self) -> Known:
        """Score and log p as the target takes them back."""
        return Known(self.score, self.log_prob, 0)


S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class Info:
    """What a step did, none of which is carried on.

    Attributes
    ----------
    proposal, accepted
        Proposed positions ``(n, d)``, and whether chains moved there ``(n,)``.
    log_acceptance
        Logarithm of the acceptance ratio before it is cut at 1, shape ``(n,)``; -inf where it
        could not be computed.
    evaluations, jacobians
        Points at which the field (or an exact log p), and its Jacobian, were evaluated.
    """

    proposal: np.ndarray
    accepted: np.ndarray
    log_acceptance: np.ndarray
    evaluations: int
    jacobians: int = 0


class Kernel(ABC):
    """One sampler with all its parameters, a dataclass.

    Attributes
    ----------
    step_size : float
        The parameter that is tuned; each kernel says what it means.
    name : str
        The sampler's name in messages.
    adjusted : bool
        Whether moves are accepted or rejected; if not, every move is taken.
    """

    name: ClassVar[str]
    adjusted: ClassVar[bool]
    step_size: float

    @property
    def sigma(self) -> float | None:
        """Noise level of the field behind the chain; None for an exact density."""
        return getattr(self, "field", getattr(self, "target", None)).sigma

    @property
    def tunable(self) -> bool:
        """Whether smaller steps are accepted more often."""
        return self.adjusted

    def normals(self, dim: int) -> int:
        """Return the number of standard normals per chain and step: one more if it may reject."""
        return dim + self.adjusted

    def init(self, x: np.ndarray) -> State:
        """Return the state of chains at x, shape ``(n, d)``."""
        return State(x)

    @abstractmethod
    def step(self, state: State, normals: np.ndarray) -> tuple[State, Info]:
        """Return the next state, given standard normals of shape ``(n, normals(d))``."""

    def with_step_size(self, step_size: float) -> Self:
        """Return the same kernel with another step."""
        return replace(self, step_size=step_size)


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
    old: S,
    new: S,
    log_acceptance: np.ndarray,
    normal: np.ndarray,
    evaluations: int,
    jacobians: int = 0,
) -> tuple[S, Info]:
    """Accept each chain's proposal with probability min(1, ratio), or leave it where it is.

    The ratio is Metropolis's and Hastings's, ``log_acceptance`` its logarithm; a proposal is
    rejected where that is NaN or the proposal itself is not finite. ``normal`` holds one standard
    normal per chain. All are of shape ``(n,)``.
    """
    # sums show whether any value needs care, which costs less than a look at each
    if np.isnan(log_acceptance.sum()):
        log_acceptance = np.where(np.isnan(log_acceptance), -np.inf, log_acceptance)
    if not np.isfinite(new.x.sum()):
        log_acceptance[~np.isfinite(new.x).all(-1)] = -np.inf
    accepted = ndtr(normal) < np.exp(np.minimum(log_acceptance, 0.0))
    info = Info(new.x, accepted, log_acceptance, evaluations, jacobians)
    return select(accepted, new, old), info
