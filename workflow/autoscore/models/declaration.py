"""What a model kind declares; parameters of jobs, cluster demands and checks derive from it.

A kind is a folder with ``MODEL``, a `Model`, which every run reads without importing PyTorch: the
networks and their training are named, and imported when needed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

IMAGE_SETTINGS = frozenset(  # on which every training on images depends
    {"kind", "sigmas", "shown", "batch", "learning_rate", "average", "precision", "validation"}
    | {"hidden", "axes"}
)


class Cost(NamedTuple):
    """What one training takes, from which `run_autoscore.demands` bounds memory and time."""

    weights: int  # entries of all weight matrices
    units: int  # numbers that all layers hold per point
    points: int  # per step
    steps: int
    directions: int  # as how many points each counts, as the network is differentiated along some
    number: int  # bytes of a number
    alone: bool = False  # whether members are trained one after another


def cost_of_layers(
    shapes: Iterable[tuple[int, int]],
    schedule: Mapping,
    objective: str,
    dim: int,
    *,
    points: int | None = None,
    number: int = 4,
) -> Cost:
    """Return the cost of weight matrices of shapes (inputs, outputs) under a schedule.

    A step has `points`, by default the schedule's batch.
    """
    shapes = list(shapes)
    return Cost(
        weights=sum(inputs * outputs for inputs, outputs in shapes),
        units=sum(outputs for _, outputs in shapes),
        points=schedule["batch"] if points is None else points,
        steps=schedule["steps"] + schedule["polish"],
        # d for the contractive loss, one there and back for sliced score matching
        directions={"dae": 1, "rcae": 1 + dim, "ssm": 3}[objective],
        number=number,
    )


@dataclass(frozen=True)
class Model:
    """A model kind, trained from the sources ``exact`` (the density itself) and ``samples``.

    Attributes
    ----------
    name, about
        The value of ``kind`` in the configuration and in weights files; a phrase on it.
    network
        Its `autoscore.train.stack.Stack`, as ``module:class``.
    training
        Function per source, as ``module:function``, called as ``(density or data, settings,
        objective, streams, report, members, device)``. It returns a `Stack` and a `Trace`. Empty if
        only for images.
    uses, schedules
        Per source, exactly the keys of ``train`` on which the training depends, with ``kind`` and
        ``device``, which the script reads; and the key of ``train.schedules`` that it follows.
    image_settings
        Keys on which its training on images depends; empty if it is not for images.
    separate
        True for one auto-encoder per noise level, False for one for all; see `Stack`.
    objectives
        Those of ``dae``, ``rcae`` and ``ssm`` that it can minimise.
    cost
        ``cost(settings, objective, source, d)`` returns the `Cost` of one auto-encoder, from which
        a cluster is asked for memory and time. None if only for images.
    """

    name: str
    about: str
    network: str
    separate: bool
    objectives: tuple[str, ...]
    training: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    schedules: Mapping[str, str] = field(default_factory=dict)
    image_settings: frozenset[str] = frozenset()
    cost: Callable[[Mapping, str, str, int], Cost] | None = None

    def load(self) -> type:
        """Return the class of its networks."""
        return _imported(self.network)

    def trainer(self, source: str) -> Callable:
        """Return the function that trains it from a source."""
        return _imported(self.training[source])


def _imported(place: str) -> Any:
    """Return what ``module:name`` names."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
