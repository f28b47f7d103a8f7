"""Chains of corruption and reconstruction: the authors' move, adjusted or not, and walkback.

The move is x' = g(y) with y = x + noise and g(y) = (1 - b) y + b r(y). With b = 1 it is the
auto-encoder's own chain: corrupt, reconstruct, repeat.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.special import ndtr

from autoscore.fields import Field
from autoscore.samplers.kernels import Info, Kernel, State, TargetState, metropolis
from autoscore.samplers.langevin import all_accepted
from autoscore.samplers.registration import Parts, Sampler
from autoscore.samplers.targets import Target

NEWTON_STEPS = 20
NEWTON_TOLERANCE = 1e-3  # of the noise: two inverses closer than this are the same


@dataclass(frozen=True)
class Blend:
    """The map g(y) = (1 - b) y + b r(y).

    Parameters
    ----------
    field
        The field r.
    b
        Share of the reconstruction, in (0, 1].

    Raises
    ------
    ValueError
        If b is out of its range.
    """

    field: Field
    b: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.b <= 1:
            raise ValueError(f"the share b of the reconstruction must be in (0, 1], not {self.b}")

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """Return g(y) of shape ``(n, d)``."""
        return y + self.b * self.field.move(y)

    def jacobian(self, y: np.ndarray) -> np.ndarray:
        """Return dg/dy of shape ``(n, d, d)``."""
        return (1 - self.b) * np.eye(y.shape[1]) + self.b * self.field.jacobian(y)

    def log_volume(self, y: np.ndarray) -> np.ndarray:
        """Return log |det dg/dy| of shape ``(n,)``: -inf or NaN where there is no inverse."""
        return np.linalg.slogdet(self.jacobian(y))[1]

    def inverse(self, x: np.ndarray, tolerance: float) -> "Inverse":
        """Solve g(y) = x by Newton's method from y = x, halving steps that lead further away.

        Where g is not one-to-one this singles one solution out, always the same one.

        Parameters
        ----------
        x
            Shape ``(n, d)``.
        tolerance
            Length of a Newton step that ends the search.
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
        return Inverse(y - np.where(found[:, None], change, 0.0), found, evaluations, jacobians)


class Inverse(NamedTuple):
    """Solutions of g(y) = x.

    Attributes
    ----------
    y
        Shape ``(n, d)``.
    found
        Whether y is a solution, shape ``(n,)``.
    evaluations, jacobians
        Points at which g, and its Jacobian, were evaluated.
    """

    y: np.ndarray
    found: np.ndarray
    evaluations: int
    jacobians: int


@dataclass(frozen=True)
class Walk(Kernel):
    """The authors' move without an acceptance step, x' = (1 - b) y + b r(y), y = x + noise.

    To first order it is Langevin's move with e = noise^2 / 2 and the drift b sigma^2 s, so that
    small noise samples p to the power 2 b sigma^2 / noise^2: with noise of sigma, b = 1/2 samples
    p itself, b = 1 a p^2, too narrow by half, and small b a p too wide.

    Parameters
    ----------
    field
        The field r.
    step_size
        Standard deviation of the noise; sigma if the chain does what the field was trained for.
    b
        Share of the reconstruction, in (0, 1].
    """

    field: Field
    step_size: float
    b: float = 1.0
    name: ClassVar[str] = "unadjusted walk"
    adjusted: ClassVar[bool] = False

    def step(self, state: State, normals: np.ndarray) -> tuple[State, Info]:
        x = Blend(self.field, self.b)(state.x + self.step_size * normals)
        return State(x), all_accepted(x, len(x))


@dataclass(frozen=True)
class WalkState(TargetState):
    """What `AdjustedWalk` carries.

    Attributes
    ----------
    preimage
        The y with g(y) = x, shape ``(n, d)``: from there the reverse of the next move starts.
    log_volume
        log |det dg/dy| there, shape ``(n,)``.
    """

    preimage: np.ndarray
    log_volume: np.ndarray


@dataclass(frozen=True)
class AdjustedWalk(Kernel):
    """The authors' move with its Metropolis-Hastings ratio.

    By the change of variables x' = g(y), q(x'|x) = N(y; x, noise^2 I) / |det dg/dy|. The reverse
    move needs the point that g takes to x: it is where x came from, and is carried along. That is
    the whole truth where g is one-to-one, as it is for every denoising optimum (dr/dy is then a
    covariance over sigma^2) with b < 1. A learned g may fold; therefore a proposal x' is inverted
    anew and rejected unless Newton's method leads back to y. With one chosen inverse for every x
    detailed balance is exact, on the part of space that g and its chosen inverse reach.

    Parameters
    ----------
    target
        The density; its kind decides how differences of log p are found.
    field
        The field r.
    step_size
        Standard deviation of the noise.
    b
        Share of the reconstruction, in (0, 1]. Left out, it is noise^2 / (2 sigma^2), at most 1,
        with which small steps sample p by themselves. With any other b small noise is hardly ever
        accepted, as there is no way back against the drift; so only without b is the step tuned.
    determinant
        Whether the map's Jacobian is in the ratio. It belongs there; the authors' experiments of
        2013 left it out.
    folds
        Whether g may fold, and every proposal is inverted to see. Costs a few evaluations of r
        and of its Jacobian each; False for exact fields.
    """

    target: Target
    field: Field
    step_size: float
    b: float | None = None
    determinant: bool = True
    folds: bool = True
    name: ClassVar[str] = "adjusted walk"
    adjusted: ClassVar[bool] = True

    @property
    def tunable(self) -> bool:
        return self.b is None

    @property
    def map(self) -> Blend:
        """The map g."""
        tied = min(1.0, 0.5 * (self.step_size / self.field.sigma) ** 2)
        return Blend(self.field, tied if self.b is None else self.b)

    def init(self, x: np.ndarray) -> WalkState:
        """Return the state of chains at x, shape ``(n, d)``, to within Newton's tolerance.

        Raises
        ------
        ValueError
            If g takes no point to some x, as may be far from the data.
        """
        y, found, _, _ = self.map.inverse(x, NEWTON_TOLERANCE * self.step_size)
        if not found.all():
            raise ValueError(
                f"{self.name} at sigma {self.sigma}: no point was found from which a "
                f"reconstruction leads to {(~found).sum()} of {len(x)} starts: take for starts "
                "what the map g makes of them"
            )
        return self.at_image(y)

    def at_image(self, y: np.ndarray) -> WalkState:
        """Return the state of chains at g(y), for y of shape ``(n, d)``.

        Where y is many times the noise away from g(y), as on the far side of a fold, no move has a
        way back and the chain rests forever: `init` looks for a nearer y.
        """
        x = self.map(y)
        known = self.target.know(x, score=False)
        return WalkState(x, known.score, known.log_prob, y, self._log_volume(y))

    def _log_volume(self, y: np.ndarray) -> np.ndarray:
        return self.map.log_volume(y) if self.determinant else np.zeros(len(y))

    def step(self, state: WalkState, normals: np.ndarray) -> tuple[WalkState, Info]:
        noise = normals[:, :-1]
        y = state.x + self.step_size * noise
        proposal, log_volume = self.map(y), self._log_volume(y)
        difference, known = self.target.compare(state.x, state.known, proposal, score=False)
        back = (state.preimage - proposal) / self.step_size
        # log q(x|x') - log q(x'|x), the determinants at the two preimages
        reverse = 0.5 * ((noise**2).sum(-1) - (back**2).sum(-1)) + log_volume - state.log_volume
        ratio = difference + reverse
        evaluations, jacobians = known.evaluations + len(y), self.determinant * len(y)
        if self.folds:
            tolerance = NEWTON_TOLERANCE * self.step_size
            inverse = self.map.inverse(proposal, tolerance)
            same = inverse.found & (np.linalg.norm(inverse.y - y, axis=1) <= tolerance)
            ratio = np.where(same, ratio, -np.inf)
            evaluations += inverse.evaluations
            jacobians += inverse.jacobians
        new = WalkState(proposal, known.score, known.log_prob, y, log_volume)
        return metropolis(state, new, ratio, normals[:, -1], evaluations, jacobians)


@dataclass(frozen=True)
class WalkbackState(State):
    """Reconstructions x, and the points to corrupt next, `origin`, both of shape ``(n, d)``."""

    origin: np.ndarray


@dataclass(frozen=True)
class Walkback(Kernel):
    """Corruption and reconstruction a random number of times from the data, again and again.

    Each step corrupts and reconstructs; then, with the probability given, the chain walks on from
    there, and otherwise it goes back to a clean point. So what a step reaches is the end of a
    walk of geometric length, as in the walkback training of Bengio, Yao, Alain and Vincent (2013,
    "Generalized denoising auto-encoders as generative models"), and the corrupted points, which
    are this chain's proposals, are the inputs of that training.

    Parameters
    ----------
    field
        The field r.
    clean
        Points at which walks begin, shape ``(m, d)``.
    step_size
        Standard deviation of the corruption.
    continuation
        Probability of walking on, in [0, 1].

    Raises
    ------
    ValueError
        If the probability is none.
    """

    field: Field
    clean: np.ndarray
    step_size: float
    continuation: float = 0.5
    name: ClassVar[str] = "walkback"
    adjusted: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 <= self.continuation <= 1:
            raise ValueError(
                f"the probability of walking on must be in [0, 1], not {self.continuation}"
            )

    def normals(self, dim: int) -> int:
        return dim + 2

    def init(self, x: np.ndarray) -> WalkbackState:
        return WalkbackState(x, x)

    def step(self, state: WalkbackState, normals: np.ndarray) -> tuple[WalkbackState, Info]:
        corrupted = state.origin + self.step_size * normals[:, :-2]
        x = self.field(corrupted)
        walks_on, place = ndtr(normals[:, -2:]).T
        chosen = np.minimum((place * len(self.clean)).astype(int), len(self.clean) - 1)
        origin = np.where((walks_on < self.continuation)[:, None], x, self.clean[chosen])
        return WalkbackState(x, origin), all_accepted(corrupted, len(x))


def _walk_of_2013(parts: Parts, target: Target) -> AdjustedWalk:
    """Return what the experiments of 2013 most likely did: no determinant, folds not looked for."""
    return AdjustedWalk(target, parts.field, parts.scale(1.0), determinant=False, folds=False)


SAMPLERS = {
    # with noise of sigma and half of the reconstruction, small steps would sample p itself
    "walk": Sampler(
        label="walk, unadjusted",
        colour="#D55E00",
        about="the authors' move, half of the way from a noisy point to its reconstruction",
        make=lambda parts: Walk(parts.field, parts.scale(1.0), 0.5),
        needs_target=False,
    ),
    "adjusted_walk": Sampler(
        label="walk, adjusted",
        colour="#009E73",
        about="the same with its acceptance ratio",
        make=lambda parts: AdjustedWalk(parts.target(), parts.field, parts.scale(1.0)),
    ),
    "adjusted_walk_2013": Sampler(
        label="walk of 2013",
        colour="#CC79A7",
        about="the same without the map's determinant",
        make=lambda parts: _walk_of_2013(parts, parts.target()),
    ),
    "adjusted_walk_2013_one_point": Sampler(
        label="walk of 2013, one-point",
        colour="#E69F00",
        about="and with differences of energy from the score at one point",
        make=lambda parts: _walk_of_2013(parts, parts.target("one-point")),
    ),
    "dae_chain": Sampler(
        label="corrupt, reconstruct",
        colour="0.4",
        about="the whole way from a noisy point to its reconstruction",
        make=lambda parts: Walk(parts.field, parts.scale(1.0), 1.0),
        needs_target=False,
    ),
    "walkback": Sampler(
        label="walkback",
        colour="0.6",
        about="several moves from a training point",
        make=lambda parts: Walkback(parts.field, parts.clean, parts.scale(1.0)),
        needs_target=False,
    ),
}
