"""Chains of corruption and reconstruction, adjusted or not, and walkback.

The move is that of the authors' repository, x' = g(y) with y = x + noise and
g(y) = (1 - b) y + b r(y); the paper itself samples by random-walk Metropolis. With b = 1 it is the
auto-encoder's own chain: corrupt, reconstruct, repeat. The step of all kernels here is the
standard deviation of the noise.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr

from autoscore.fields import Field
from autoscore.samplers.declaration import Parts, Sampler
from autoscore.samplers.kernels import Info, Kernel, State, TargetState, all_accepted, metropolis
from autoscore.samplers.targets import Target

CONTINUATION = 0.5  # probability that a walkback walks on
NEWTON_STEPS = 20
NEWTON_TOLERANCE = 1e-3  # of the noise: two inverses closer than this are the same


@dataclass(frozen=True)
class Blend:
    """The map g(y) = (1 - b) y + b r(y) with b in (0, 1]."""

    field: Field
    b: float

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """Return g(y) of shape ``(n, d)``."""
        return y + self.b * self.field.move(y)

    def jacobian(self, y: np.ndarray) -> np.ndarray:
        """Return dg/dy of shape ``(n, d, d)``."""
        return (1 - self.b) * np.eye(y.shape[1]) + self.b * self.field.jacobian(y)

    def inverse(self, x: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray, int, int]:
        """Solve g(y) = x by Newton's method from y = x, halving steps that lead further away.

        The search ends with a step shorter than the tolerance. Where g is not one-to-one, it
        always finds the same solution. Returns y ``(n, d)``, whether it solves the equation
        ``(n,)``, and the numbers of evaluations of g and of its Jacobian.
        """
        y, change = x.copy(), np.zeros_like(x)
        miss, found = np.full(len(x), np.inf), np.zeros(len(x), dtype=bool)
        active, evaluations, jacobians = np.flatnonzero(np.isfinite(x).all(-1)), 0, 0
        for _ in range(NEWTON_STEPS):
            trial = y[active] - change[active]
            left = self(trial) - x[active]
            length = np.linalg.norm(left, axis=1)
            change[active] *= 0.5
            better = length < miss[active]
            moved, left, trial = active[better], left[better], trial[better]
            y[moved], miss[moved] = trial, length[better]
            slope = self.jacobian(trial)
            evaluations, jacobians = evaluations + len(active), jacobians + len(moved)
            usable = np.isfinite(slope).all((1, 2))
            usable[usable] = np.linalg.det(slope[usable]) != 0
            solved, lost = moved[usable], moved[~usable]
            change[solved] = np.linalg.solve(slope[usable], left[usable, :, None])[:, :, 0]
            found[solved] = np.linalg.norm(change[solved], axis=1) <= tolerance
            active = active[~found[active] & ~np.isin(active, lost)]
            if not len(active):
                break
        return y - np.where(found[:, None], change, 0.0), found, evaluations, jacobians


@dataclass(frozen=True)
class Walk(Kernel):
    """The repository's move without an acceptance step, x' = (1 - b) y + b r(y), y = x + noise.

    To first order it is Langevin's move with e = noise^2 / 2 and the drift b sigma^2 s, so that
    small noise samples p to the power 2 b sigma^2 / noise^2: with noise of sigma, b = 1/2 samples
    p itself, b = 1 a p^2, half as wide in variance, and small b a p that is too wide.
    """

    field: Field
    step_size: float
    b: float
    name: ClassVar[str] = "unadjusted walk"
    adjusted: ClassVar[bool] = False

    def step(self, state: State, normals: np.ndarray) -> tuple[State, Info]:
        x = Blend(self.field, self.b)(state.x + self.step_size * normals)
        return State(x), all_accepted(x, len(x))


@dataclass(frozen=True)
class WalkState(TargetState):
    """Adds the y with g(y) = x, from which the reverse move starts, and log |det dg/dy| there."""

    preimage: np.ndarray
    log_volume: np.ndarray


@dataclass(frozen=True)
class AdjustedWalk(Kernel):
    """The repository's move with its Metropolis-Hastings ratio.

    By the change of variables x' = g(y), q(x'|x) = N(y; x, noise^2 I) / |det dg/dy|. The reverse
    move needs the point that g takes to x, which is where x came from and is carried along. That
    suffices where g is one-to-one, as it is for every denoising optimum (dr/dy is then a
    covariance over sigma^2) with b < 1. A learned g may fold; therefore a proposal x' is inverted
    anew and rejected unless Newton's method leads back to y. With one chosen inverse for every x
    detailed balance is exact, on the part of space that g and its chosen inverse reach.

    The share b of the reconstruction is noise^2 / (2 sigma^2), at most 1, with which small steps
    sample p unadjusted: with a fixed b small noise is hardly ever accepted, as there is no way
    back against the drift. The `determinant` of the map belongs in the ratio; the
    authors' repository leaves it out. Without `folds`, as for exact fields, no proposal is
    inverted, which costs a few evaluations of r and of its Jacobian each.
    """

    target: Target
    field: Field
    step_size: float
    determinant: bool = True
    folds: bool = True
    name: ClassVar[str] = "adjusted walk"

    @property
    def map(self) -> Blend:
        """The map g."""
        return Blend(self.field, min(1.0, 0.5 * (self.step_size / self.field.sigma) ** 2))

    def init(self, x: np.ndarray) -> WalkState:
        """Return the state of chains at x, shape ``(n, d)``, to within Newton's tolerance.

        Raises ValueError if g takes no point to some x, as may happen far from the data.
        """
        y, found, _, _ = self.map.inverse(x, NEWTON_TOLERANCE * self.step_size)
        if not found.all():
            raise ValueError(
                f"{self.name} at sigma {self.sigma}: no inverse was found for {(~found).sum()} of "
                f"{len(x)} starts: start from images of the map g"
            )
        return self.at_image(y)

    def at_image(self, y: np.ndarray) -> WalkState:
        """Return the state of chains at g(y), for y of shape ``(n, d)``.

        Where y is many times the noise away from g(y), as on the far side of a fold, no move has a
        way back and the chain rests forever: `init` looks for a nearer y.
        """
        x = self.map(y)
        known = self.target.evaluate(x, score=False)
        return WalkState(x, known.score, known.log_prob, y, self._log_volume(y))

    def _log_volume(self, y: np.ndarray) -> np.ndarray:
        """Return log |det dg/dy|, -inf or NaN where there is no inverse; 0 if it is left out."""
        return np.linalg.slogdet(self.map.jacobian(y))[1] if self.determinant else np.zeros(len(y))

    def step(self, state: WalkState, normals: np.ndarray) -> tuple[WalkState, Info]:
        noise = normals[:, :-1]
        y = state.x + self.step_size * noise
        proposal, log_volume = self.map(y), self._log_volume(y)
        difference, known = self.target.compare(state.x, state, proposal, score=False)
        back = (state.preimage - proposal) / self.step_size
        # log q(x|x') - log q(x'|x), the determinants at the two preimages
        reverse = 0.5 * ((noise**2).sum(-1) - (back**2).sum(-1)) + log_volume - state.log_volume
        ratio = difference + reverse
        evaluations, jacobians = known.evaluations + len(y), self.determinant * len(y)
        if self.folds:
            tolerance = NEWTON_TOLERANCE * self.step_size
            again, found, *counts = self.map.inverse(proposal, tolerance)
            same = found & (np.linalg.norm(again - y, axis=1) <= tolerance)
            ratio = np.where(same, ratio, -np.inf)
            evaluations, jacobians = evaluations + counts[0], jacobians + counts[1]
        new = WalkState(proposal, known.score, known.log_prob, y, log_volume)
        return metropolis(state, new, ratio, normals[:, -1], evaluations, jacobians)


@dataclass(frozen=True)
class WalkbackState(State):
    """Reconstructions x, and the points to corrupt next, `origin`, both of shape ``(n, d)``."""

    origin: np.ndarray


@dataclass(frozen=True)
class Walkback(Kernel):
    """Walks of random length that start anew from training points, again and again.

    Each step corrupts and reconstructs; then the chain walks on from there or, half of the time,
    from a training point. So each step ends a walk of geometric length, as in the walkback
    training of Bengio, Yao, Alain and Vincent (2013, "Generalized denoising auto-encoders as
    generative models"); the corrupted points, which are this chain's proposals, are the inputs of
    that training.
    """

    field: Field
    training_points: np.ndarray
    step_size: float
    name: ClassVar[str] = "walkback"
    adjusted: ClassVar[bool] = False

    def normals(self, dim: int) -> int:
        return dim + 2

    def init(self, x: np.ndarray) -> WalkbackState:
        return WalkbackState(x, x)

    def step(self, state: WalkbackState, normals: np.ndarray) -> tuple[WalkbackState, Info]:
        corrupted = state.origin + self.step_size * normals[:, :-2]
        x = self.field(corrupted)
        walks_on, place = ndtr(normals[:, -2:]).T
        count = len(self.training_points)
        chosen = np.minimum((place * count).astype(int), count - 1)
        origin = np.where((walks_on < CONTINUATION)[:, None], x, self.training_points[chosen])
        return WalkbackState(x, origin), all_accepted(corrupted, len(x))


def _repository_walk(parts: Parts, target: Target) -> AdjustedWalk:
    """Return the walk of the authors' repository: no determinant, no search for folds."""
    return AdjustedWalk(target, parts.field, parts.sigma_step(1.0), determinant=False, folds=False)


SAMPLERS = {
    # with noise of sigma and half of the reconstruction, small steps would sample p itself
    "walk": Sampler(
        label="walk, unadjusted",
        color="#D55E00",
        about="half of the way from a noisy point to its reconstruction (authors' repository)",
        make=lambda parts: Walk(parts.field, parts.sigma_step(1.0), 0.5),
        needs_target=False,
    ),
    "adjusted_walk": Sampler(
        label="walk, adjusted",
        color="#009E73",
        about="the same with its acceptance ratio",
        make=lambda parts: AdjustedWalk(parts.target(), parts.field, parts.sigma_step(1.0)),
    ),
    "repository_walk": Sampler(
        label="repository's walk",
        color="#CC79A7",
        about="the same without the map's determinant, as in the authors' repository",
        make=lambda parts: _repository_walk(parts, parts.target()),
    ),
    "repository_walk_one_point": Sampler(
        label="repository's walk, one-point",
        color="#E69F00",
        about="and with differences of energy from the score at one point",
        make=lambda parts: _repository_walk(parts, parts.target("one-point")),
    ),
    "dae_chain": Sampler(
        label="corrupt, reconstruct",
        color="0.4",
        about="the whole way from a noisy point to its reconstruction",
        make=lambda parts: Walk(parts.field, parts.sigma_step(1.0), 1.0),
        needs_target=False,
    ),
    "walkback": Sampler(
        label="walkback",
        color="0.6",
        about="several moves from a training point",
        make=lambda parts: Walkback(parts.field, parts.training_points, parts.sigma_step(1.0)),
        needs_target=False,
    ),
}
