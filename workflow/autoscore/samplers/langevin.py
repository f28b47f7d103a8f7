"""Langevin's move x + e s(x) + sqrt(2e) xi: as it is, adjusted, shaped by dr/dx, keeping noise."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autoscore.fields import Field
from autoscore.samplers.declaration import Sampler
from autoscore.samplers.kernels import Info, Kernel, State, TargetState, all_accepted, metropolis
from autoscore.samplers.targets import Target


@dataclass(frozen=True)
class Langevin(Kernel):
    """The unadjusted Langevin algorithm, x' = x + e s(x) + sqrt(2e) xi, with the step e.

    Its stationary law is off by O(e): for a Gaussian of variance v it has v / (1 - e / (2v)).
    """

    target: Target
    step_size: float
    name: ClassVar[str] = "unadjusted Langevin"
    adjusted: ClassVar[bool] = False

    def move(self, step_size: np.ndarray | float) -> tuple:
        return step_size, np.sqrt(2 * step_size)

    def step(self, state: State, normals: np.ndarray) -> tuple[State, Info]:
        drift = self.step_size * self.target.score(state.x)
        x = state.x + drift + np.sqrt(2 * self.step_size) * normals
        return State(x), all_accepted(x, len(x))


@dataclass(frozen=True)
class AdjustedLangevin(Kernel):
    """The Metropolis-adjusted Langevin algorithm (Roberts and Tweedie 1996, Bernoulli 2(4)).

    Langevin's move with the step e is the proposal, and log q(y|x) = -|y - x - e s(x)|^2 / (4e)
    up to a constant enters the ratio in both directions. The drift e s is cut at `longest` times
    the noise's sqrt(2e): where p falls off faster than a Gaussian, a chain that starts far out
    would overshoot and be stuck (the truncated algorithm of the same article).
    """

    target: Target
    step_size: float
    longest: float = np.inf
    name: ClassVar[str] = "adjusted Langevin"

    def init(self, x: np.ndarray) -> TargetState:
        known = self.target.evaluate(x, score=True)
        return TargetState(x, known.score, known.log_prob)

    def move(self, step_size: np.ndarray | float) -> tuple:
        return step_size, np.sqrt(2 * step_size)

    def step(self, state: TargetState, normals: np.ndarray) -> tuple[TargetState, Info]:
        e, noise = self.step_size, normals[:, :-1]
        move = self._drift(state.score)
        move += np.sqrt(2 * e) * noise
        proposal = state.x + move
        difference, known = self.target.compare(state.x, state, proposal, score=True)
        back = self._drift(known.score)
        back += move
        ratio = 0.5 * np.einsum("nd,nd->n", noise, noise)
        ratio += difference
        ratio -= np.einsum("nd,nd->n", back, back) / (4 * e)
        new = TargetState(proposal, known.score, known.log_prob)
        return metropolis(state, new, ratio, normals[:, -1], known.evaluations)

    def _drift(self, score: np.ndarray) -> np.ndarray:
        drift = self.step_size * score
        if np.isinf(self.longest):
            return drift
        longest = self.longest * np.sqrt(2 * self.step_size)
        length = np.sqrt(np.einsum("nd,nd->n", drift, drift))
        drift *= np.minimum(1.0, longest / np.maximum(length, longest))[:, None]
        return drift


@dataclass(frozen=True)
class ShapedState(TargetState):
    """Adds the eigenvalues ``(n, d)`` of the proposal's shape and its eigenvectors, in columns."""

    values: np.ndarray
    vectors: np.ndarray

    def apply(self, values: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return Q diag(values) Q^T v for each chain, shape ``(n, d)``, Q its eigenvectors."""
        inner = values * np.einsum("nji,nj->ni", self.vectors, v)
        return np.einsum("nij,nj->ni", self.vectors, inner)


@dataclass(frozen=True)
class ShapedLangevin(Kernel):
    """Adjusted Langevin whose noise follows dr/dx: long steps along a manifold, short across.

    The proposal at x is N(x + e G(x) s(x), 2e G(x)) with the step e. G is the symmetric part of
    dr/dx with its eigenvalues replaced by their absolute values, or by the floor where these are
    smaller. For the denoising optimum dr/dx is the covariance of x given y over sigma^2, which
    makes this a natural shape. As G varies, its determinant and both quadratic forms enter the
    ratio (the simplified manifold MALA of Girolami and Calderhead 2011, with this G for their
    metric's inverse).
    """

    target: Target
    field: Field
    step_size: float
    floor: float = 0.01
    name: ClassVar[str] = "Jacobian-shaped Langevin"

    def init(self, x: np.ndarray) -> ShapedState:
        known = self.target.evaluate(x, score=True)
        return ShapedState(x, known.score, known.log_prob, *self._shape(x))

    def _shape(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return G's eigenvalues, NaN where dr/dx is not finite, and its eigenvectors."""
        slope = self.field.jacobian(x)
        lost = ~np.isfinite(slope).all((1, 2))
        if lost.any():  # the eigensolver would refuse the whole batch
            slope = np.where(lost[:, None, None], np.eye(x.shape[1]), slope)
        values, vectors = np.linalg.eigh(0.5 * (slope + np.swapaxes(slope, 1, 2)))
        values = np.maximum(np.abs(values), self.floor)
        return np.where(lost[:, None], np.nan, values), vectors

    def step(self, state: ShapedState, normals: np.ndarray) -> tuple[ShapedState, Info]:
        e, noise = self.step_size, normals[:, :-1]
        mean = state.x + e * state.apply(state.values, state.score)
        proposal = mean + np.sqrt(2 * e) * state.apply(np.sqrt(state.values), noise)
        difference, known = self.target.compare(state.x, state, proposal, score=True)
        new = ShapedState(proposal, known.score, known.log_prob, *self._shape(proposal))
        back = state.x - proposal - e * new.apply(new.values, new.score)
        white = np.einsum("nji,nj->ni", new.vectors, back)
        forward = 0.5 * ((noise**2).sum(-1) + np.log(state.values).sum(-1))
        backward = 0.5 * ((white**2 / (2 * e * new.values)).sum(-1) + np.log(new.values).sum(-1))
        ratio = difference + forward - backward
        return metropolis(state, new, ratio, normals[:, -1], known.evaluations, len(proposal))


@dataclass(frozen=True)
class NoiseKeeping(Kernel):
    """x' = r + (1 - a)(x - r) + sigma sqrt(1 - (1 - a)^2) xi: a move that keeps the noise level.

    The step a, in (0, 1] or ValueError, is the share of the noise that is replaced. Around a
    single clean point the move keeps the variance of x - r at exactly sigma^2 per coordinate,
    where Langevin's move of the same drift, e = a sigma^2, holds it at sigma^2 / (1 - a/2). In
    many dimensions the latter is far from anything that the field was trained on.
    """

    field: Field
    step_size: float
    name: ClassVar[str] = "noise-keeping Langevin"
    adjusted: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.step_size <= 1:
            raise ValueError(f"the share of noise replaced must be in (0, 1], not {self.step_size}")

    def step(self, state: State, normals: np.ndarray) -> tuple[State, Info]:
        a, sigma = self.step_size, self.field.sigma
        drift = a * sigma**2 * self.field.score(state.x)
        x = state.x + drift + sigma * np.sqrt(a * (2 - a)) * normals
        return State(x), all_accepted(x, len(x))


ACCEPTANCE = (0.7, 0.65, 0.574)
SAMPLERS = {
    "langevin": Sampler(
        label="Langevin, unadjusted",
        color="#D55E00",
        about="Langevin's move, unadjusted",
        make=lambda parts: Langevin(parts.target(), parts.sigma_step(0.25, 2)),
    ),
    "mala": Sampler(
        label="Langevin, adjusted",
        color="#009E73",
        about="Langevin's move, adjusted",
        make=lambda parts: AdjustedLangevin(
            parts.target(), parts.spread_step(0.1, 2), parts.longest_drift
        ),
        acceptance=ACCEPTANCE,
    ),
    "mala_one_point": Sampler(
        label="Langevin, one-point",
        color="#E69F00",
        about="the same with differences of energy from the score at one point",
        make=lambda parts: AdjustedLangevin(
            parts.target("one-point"), parts.sigma_step(0.25, 2), parts.longest_drift
        ),
    ),
    "shaped_mala": Sampler(
        label="Langevin, shaped",
        color="#CC79A7",
        about="adjusted, shaped by dr/dx",
        make=lambda parts: ShapedLangevin(parts.target(), parts.field, parts.spread_step(0.1, 2)),
        acceptance=ACCEPTANCE,
    ),
    "noise_keeping": Sampler(
        label="noise-keeping",
        color="#E69F00",
        about="a move that keeps a field's noise level",
        make=lambda parts: NoiseKeeping(parts.field, parts.step or 0.3),
        needs_target=False,
        largest_step=1.0,
    ),
}
