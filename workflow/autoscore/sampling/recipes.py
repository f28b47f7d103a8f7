"""The samplers by name: how each is made from what drives it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoscore.samplers.kernels import Kernel, RandomWalk
from autoscore.samplers.langevin import AdjustedLangevin, Langevin, NoiseKeeping, ShapedLangevin
from autoscore.samplers.targets import Target, make_target
from autoscore.samplers.walk import AdjustedWalk, Walk, Walkback
from autoscore.sampling.plans import Driver


@dataclass(frozen=True)
class Parts:
    """What kernels are made of.

    Attributes
    ----------
    driver : Driver
        The field.
    nodes : int
        Of the path along which differences of log p are integrated, where they are not exact.
    temperature : float
        Of what is sampled.
    bounds : numpy.ndarray or None
        Outside of this box, ``(d, 2)``, proposals are rejected.
    clean : numpy.ndarray
        Training points.
    step : float or None
        The sampler's step.
    """

    driver: Driver
    nodes: int
    temperature: float
    bounds: np.ndarray | None
    clean: np.ndarray
    step: float | None

    def target(self, difference: str | int | None = None) -> Target:
        """Return the target, its differences exact where log p is known."""
        if difference is None:
            difference = "exact" if hasattr(self.driver.scored, "log_prob") else self.nodes
        return make_target(self.driver.scored, difference, self.temperature, self.bounds)

    def scale(self, factor: float, power: int = 1) -> float:
        """Return the step, or if there is none a multiple of a power of the field's sigma."""
        return self.step or factor * self.driver.field.sigma**power

    def spread(self, factor: float, power: int = 1) -> float:
        """Return the step, or if there is none the same of the spread of the data."""
        return self.step or factor * float(self.clean.std(0).mean()) ** power


DRIFT = 2.0  # longest drift of a tuned adjusted Langevin step, in units of its noise


RECIPES: dict[str, Callable[[Parts], Kernel]] = {
    "random_walk": lambda p: RandomWalk(p.target(), p.spread(0.5)),
    "random_walk_one_point": lambda p: RandomWalk(p.target("one-point"), p.spread(0.1)),
    "langevin": lambda p: Langevin(p.target(), p.scale(0.25, 2)),
    "mala": lambda p: AdjustedLangevin(p.target(), p.spread(0.1, 2), DRIFT),
    "mala_one_point": lambda p: AdjustedLangevin(p.target("one-point"), p.scale(0.25, 2)),
    "shaped_mala": lambda p: ShapedLangevin(p.target(), p.driver.field, p.spread(0.1, 2)),
    "noise_keeping": lambda p: NoiseKeeping(p.driver.field, p.step or 0.3),
    # with noise of sigma and half of the reconstruction, small steps would sample p itself
    "walk": lambda p: Walk(p.driver.field, p.scale(1.0), 0.5),
    "adjusted_walk": lambda p: AdjustedWalk(p.target(), p.driver.field, p.scale(1.0)),
    "adjusted_walk_2013": lambda p: _walk_of_2013(p, p.target()),
    "adjusted_walk_2013_one_point": lambda p: _walk_of_2013(p, p.target("one-point")),
    "dae_chain": lambda p: Walk(p.driver.field, p.scale(1.0), 1.0),
    "walkback": lambda p: Walkback(p.driver.field, p.clean, p.scale(1.0)),
}


def _walk_of_2013(p: Parts, target: Target) -> AdjustedWalk:
    """Return what the experiments of 2013 most likely did: no determinant, folds not looked for."""
    return AdjustedWalk(target, p.driver.field, p.scale(1.0), determinant=False, folds=False)
