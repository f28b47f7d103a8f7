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
        Its `autoscore.train.stack.Stack`, as ``module:class``.
    training
        Training function per source, as ``module:function``; sources are ``exact`` (the density
        itself) and ``samples``. It is called as ``(density or data, settings, objective, streams,
        report, members, device)`` and returns a `Stack` and a `Trace`. Empty if only for images.
    uses
        Per source, exactly the keys of ``train`` on which the training depends, with ``kind`` and
        ``device``, which the script reads.
    schedules
        Per source, the key of ``train.schedules`` that it follows.
    image_settings
        Keys on which its training on images depends; empty if it is not for images.
    separate
        True for one auto-encoder per noise level, False for one for all, whose stack then has its
        range of noise levels as ``low`` and ``high``.
    objectives
        Those of ``dae``, ``rcae`` and ``ssm`` that it can minimise.
    layers
        ``layers(settings, d)`` returns the shapes (inputs, outputs) of its weight matrices, without
        biases, from which the memory and time of a job are estimated.
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
