"""Random-walk Metropolis, the simplest sampler."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autoscore.samplers.declaration import Sampler
from autoscore.samplers.kernels import Info, Kernel, TargetState, metropolis
from autoscore.samplers.targets import Target


@dataclass(frozen=True)
class RandomWalk(Kernel):
    """Random-walk Metropolis: y = x + step_size xi, accepted by the difference of log p alone."""

    target: Target
    step_size: float
    name: ClassVar[str] = "random-walk Metropolis"

    def init(self, x: np.ndarray) -> TargetState:
        known = self.target.evaluate(x, score=False)
        return TargetState(x, known.score, known.log_prob)

    def move(self, step_size: np.ndarray | float) -> tuple:
        return 0.0, step_size

    def step(self, state: TargetState, normals: np.ndarray) -> tuple[TargetState, Info]:
        proposal = state.x + self.step_size * normals[:, :-1]
        difference, known = self.target.compare(state.x, state, proposal, score=False)
        new = TargetState(proposal, known.score, known.log_prob)
        return metropolis(state, new, difference, normals[:, -1], known.evaluations)


SAMPLERS = {
    "random_walk": Sampler(
        label="random-walk Metropolis",
        color="#0072B2",
        about="Metropolis",
        make=lambda parts: RandomWalk(parts.target(), parts.spread_step(0.5)),
        acceptance=(0.44, 0.35, 0.234),
    ),
    "random_walk_one_point": Sampler(
        label="random walk, one-point",
        color="#56B4E9",
        about="the same with differences of energy from the score at one point",
        make=lambda parts: RandomWalk(parts.target("one-point"), parts.spread_step(0.1)),
    ),
}
