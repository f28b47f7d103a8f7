"""What every sampler is made of.

A kernel is a pair of pure functions on a batch of n chains: ``init(x)`` gives a `State`, and
``step(state, normals)`` the next one with an `Info`. All randomness comes in as standard normals,
one row a chain and step, so that neither the number of chains nor the length of a block of
numbers changes what a chain does. A uniform number, where one is needed, is the distribution
function of a normal one.
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
    """Positions and what the target said of them; a None is not known and not needed.

    Attributes
    ----------
    score
        Shape ``(n, d)`` or None.
    log_prob
        Shape ``(n,)`` or None.
    """

    score: np.ndarray | None
    log_prob: np.ndarray | None

    @property
    def known(self) -> Known:
        """What the target said, in the form in which it takes it back."""
        return Known(self.score, self.log_prob, 0)


S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class Info:
    """What a step did, of which nothing is carried on.

    Attributes
    ----------
    proposal
        Where the chains were asked to go, shape ``(n, d)``.
    accepted
        Whether they went, shape ``(n,)``.
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
    """One sampler with all its parameters.

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
        """Return how many standard normals a chain in `dim` dimensions needs a step.

        They are those of the proposal and, where it may be rejected, one more.
        """
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


def select(mask: np.ndarray, new: S, old: S) -> S:
    """Return the state that is `new` where the mask, of shape ``(n,)``, holds and `old` elsewhere.

    Works on any dataclass of arrays whose first axis is the chain's; None stays None.
    """
    chosen = {}
    for name in old.__dataclass_fields__:
        theirs = getattr(old, name)
        if theirs is not None:
            if theirs.ndim == 2 and theirs.flags.f_contiguous:  # a column at a time
                whole = mask[:, None]
            else:
                # in few dimensions a mask of full shape is read much faster than a broadcast one
                whole = np.repeat(mask, theirs[0].size).reshape(theirs.shape)
            theirs = np.where(whole, getattr(new, name), theirs)
        chosen[name] = theirs
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

    Parameters
    ----------
    old, new
        States before the step and at the proposals.
    log_acceptance
        Logarithm of the Metropolis-Hastings ratio, shape ``(n,)``; where it is NaN, or the
        proposal is not finite, the proposal is rejected.
    normal
        One standard normal a chain, shape ``(n,)``.
    evaluations, jacobians
        As in `Info`.
    """
    # sums show whether there is anything to see to, which costs less than looking each time
    if np.isnan(log_acceptance.sum()):
        log_acceptance = np.where(np.isnan(log_acceptance), -np.inf, log_acceptance)
    if not np.isfinite(new.x.sum()):
        log_acceptance[~np.isfinite(new.x).all(-1)] = -np.inf
    accepted = ndtr(normal) < np.exp(np.minimum(log_acceptance, 0.0))
    info = Info(new.x, accepted, log_acceptance, evaluations, jacobians)
    return select(accepted, new, old), info
