"""What a kind of auto-encoder declares of itself; parameters, demands and checks derive from it.

A kind is one folder with ``MODEL``, a `Model`, which is read by every run and imports no PyTorch.
Its networks and their training are named, and imported when they are needed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

Shapes = list[tuple[int, int]]


@dataclass(frozen=True)
class Model:
    """A kind of auto-encoder.

    Attributes
    ----------
    name
        The value of ``kind`` in the configuration and in weights files.
    about
        What it is, for the schema.
    network
        Its `autoscore.stack.Stack`, as ``module:class``.
    training
        By source, what trains it on a density, as ``module:function``; sources are ``exact`` (the
        density itself) and ``samples``. Empty where it is only for images.
    uses
        By source, the settings that the training depends on, of those of ``train``.
    schedules
        By source, the schedule that it follows.
    image_settings
        The settings that its training on images depends on; empty where it is not for images.
    separate
        Whether it has one auto-encoder per noise level, and not one for all.
    objectives
        What it can minimise.
    layers
        From the settings and d to the shapes of its weight matrices, for the demands of a job.
    """

    name: str
    about: str
    network: str
    training: Mapping[str, str]
    uses: Mapping[str, frozenset[str]]
    schedules: Mapping[str, str]
    image_settings: frozenset[str]
    separate: bool
    objectives: tuple[str, ...]
    layers: Callable[[Mapping, int], Shapes] | None = None

    def load(self) -> type:
        """Return the class of its networks."""
        return imported(self.network)

    def trainer(self, source: str) -> Callable:
        """Return what trains it on a density from a source."""
        return imported(self.training[source])

    def members(self, levels: int) -> int:
        """Return how many auto-encoders one seed and size has, for so many noise levels."""
        return levels if self.separate else 1


def imported(place: str) -> Any:
    """Return what ``module:name`` names."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
