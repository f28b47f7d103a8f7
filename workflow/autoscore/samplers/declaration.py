"""What a sampler declares of itself, and what its kernel is made of.

The modules of this folder declare samplers in ``SAMPLERS``, beside their kernels. Schema,
messages, tuning, labels and colours derive from that.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoscore.fields import Field
from autoscore.samplers.kernels import Kernel
from autoscore.samplers.targets import Bounds, Scored, Target, make_target


@dataclass(frozen=True)
class Parts:
    """What kernels are made of.

    What is sampled is the `source`, the density itself or a field; `field` is the reconstruction
    with that score. Differences of log p that are not exact are integrated along a path with that
    many `nodes`. The `step` is in the sampler's own units, and None leaves it to the sampler.
    `temperature` and `bounds` are the target's. The drift of adjusted Langevin is cut at
    `longest_drift`, in units of its noise.
    """

    source: Scored
    field: Field
    nodes: int
    training_points: np.ndarray
    step: float | None = None
    temperature: float = 1.0
    bounds: Bounds = None
    longest_drift: float = 2.0

    def target(self, difference: str | int | None = None) -> Target:
        """Return the target; by default, its differences are exact where log p is known."""
        if difference is None:
            difference = "exact" if hasattr(self.source, "log_prob") else self.nodes
        return make_target(self.source, difference, self.temperature, self.bounds)

    def sigma_step(self, factor: float, power: int = 1) -> float:
        """Return the step if it is given, else factor * (the field's sigma)^power."""
        return self.step or factor * self.field.sigma**power

    def spread_step(self, factor: float, power: int = 1) -> float:
        """Return the step if it is given, else factor * (the points' mean spread)^power."""
        return self.step or factor * float(self.training_points.std(0).mean()) ** power


@dataclass(frozen=True)
class Sampler:
    """A sampler's declaration: its name and colour in figures, and what it does, for the schema.

    ``make(parts)`` returns its kernel. A sampler that descends the noise grid has instead
    ``descend(field_at, x, levels, steps, generators)``, which takes starts x ``(n, d)`` down the
    decreasing levels and returns the ends ``(n, d)`` and the number of score evaluations.
    `acceptance` are the rates to which steps are tuned for d = 1, for 2 to 4, and from 5 on, None
    without tuning. Kernels that only apply the field need no target, and have no temperature.
    """

    label: str
    color: str
    about: str
    make: Callable[[Parts], Kernel] | None = None
    descend: Callable[..., tuple[np.ndarray, int]] | None = None
    acceptance: tuple[float, float, float] | None = None
    needs_target: bool = True
    largest_step: float = np.inf

    @property
    def descends(self) -> bool:
        """Whether it goes down the noise grid."""
        return self.descend is not None

    def target_acceptance(self, dim: int) -> float | None:
        """Return the acceptance rate to which it is tuned in d dimensions, if it is."""
        rates = self.acceptance
        return None if rates is None else rates[0 if dim == 1 else 1 if dim < 5 else 2]
