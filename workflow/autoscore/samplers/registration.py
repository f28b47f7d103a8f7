"""What a sampler declares of itself, and what its kernel is made of.

The modules of this folder register samplers in ``SAMPLERS``, beside their kernels. Schema,
messages, tuning, labels and colours derive from that.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoscore.fields import Field
from autoscore.samplers.kernels import Kernel
from autoscore.samplers.targets import Scored, Target, make_target

DRIFT = 2.0  # longest drift of a tuned adjusted Langevin step, in units of its noise


@dataclass(frozen=True)
class Parts:
    """What kernels are made of.

    Attributes
    ----------
    scored
        What is sampled: the density itself, or a field.
    field
        The reconstruction with the same score.
    nodes
        Number of nodes of the path along which differences of log p are integrated, where they
        are not exact.
    clean
        Training points, shape ``(n, d)``.
    step
        Step size, in the sampler's own units; None leaves it to the sampler: see `scale` and
        `spread`.
    temperature
        Temperature of the target, > 0.
    bounds
        Outside of this box, ``(d, 2)``, proposals are rejected.
    drift
        Length at which an adjusted Langevin drift is cut, in units of its noise.
    """

    scored: Scored
    field: Field
    nodes: int
    clean: np.ndarray
    step: float | None = None
    temperature: float = 1.0
    bounds: np.ndarray | None = None
    drift: float = DRIFT

    def target(self, difference: str | int | None = None) -> Target:
        """Return the target, its differences exact where log p is known."""
        if difference is None:
            difference = "exact" if hasattr(self.scored, "log_prob") else self.nodes
        return make_target(self.scored, difference, self.temperature, self.bounds)

    def scale(self, factor: float, power: int = 1) -> float:
        """Return the step, or if there is none a multiple of a power of the field's sigma."""
        return self.step or factor * self.field.sigma**power

    def spread(self, factor: float, power: int = 1) -> float:
        """Return the step, or if there is none factor * (mean standard deviation)^power."""
        return self.step or factor * float(self.clean.std(0).mean()) ** power


@dataclass(frozen=True)
class Sampler:
    """A sampler's registration.

    Attributes
    ----------
    label, colour
        How figures name and draw it.
    about
        What it does, for the schema.
    make
        ``make(parts)`` returns its kernel; None for a sampler that descends the noise grid.
    descend
        ``descend(field_at, x, levels, steps, generators)`` takes starts x ``(n, d)`` down the
        decreasing levels, and returns the ends ``(n, d)`` and the number of score evaluations.
    acceptance
        Rates to which steps are tuned for d = 1, for 2 to 4, and from 5 on; None if they are not.
    needs_target
        Whether it samples a target, at any temperature; False for kernels that only apply the
        field.
    """

    label: str
    colour: str
    about: str
    make: Callable[[Parts], Kernel] | None = None
    descend: Callable[..., tuple[np.ndarray, int]] | None = None
    acceptance: tuple[float, float, float] | None = None
    needs_target: bool = True

    @property
    def descends(self) -> bool:
        """Whether it goes down the noise grid."""
        return self.descend is not None

    def target_acceptance(self, dim: int) -> float | None:
        """Return the acceptance rate that it is tuned to in d dimensions, if it is."""
        rates = self.acceptance
        return None if rates is None else rates[0 if dim == 1 else 1 if dim < 5 else 2]
