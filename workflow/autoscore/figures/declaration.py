"""What a figure declares of itself; rules, schema, messages, captions and indexes derive from it.

A figure is one module of this folder with ``FIGURE``, a `Figure`, and ``draw(inputs, outputs,
settings)``. Its name is that of its module.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autoscore.densities.declaration import KNOWN
from autoscore.densities.registry import KINDS

# the sections of the report, in their order
LINE = "The score in one dimension"
PLANE = "Fields in the plane"
SAMPLING = "Energy and sampling"
IMAGES = "Images"
BEYOND = "Beyond the paper"
SECTIONS = (LINE, PLANE, SAMPLING, IMAGES, BEYOND)

ANYTHING = "any density"
RUNS = {  # what figures of chains read
    "chains": "results/sample/{density}.npz",
    "diagnostics": "results/sample/{density}.csv",
}

STATEMENTS = {  # of the paper, in its order
    "T1": (
        "the best denoising auto-encoder (DAE) is r(x) = x + sigma^2 grad log p_sigma(x), with "
        "p_sigma the density of the noisy data."
    ),
    "T2": (
        "the best reconstruction-contractive auto-encoder (RCAE) is x + sigma^2 grad log p(x) + "
        "o(sigma^2), and solves p (r - x) = sigma^2 (p r')'."
    ),
    "P1": "for r(x) near x the denoising and the contractive loss agree to o(sigma^2).",
    "C1": "(r(x) - x) / sigma^2 estimates the score with an error of order sigma^2.",
    "C2": "small reconstruction error does not mean high density.",
    "C3": "sigma can be estimated from the trained auto-encoder.",
    "C4": "r(x) - x need not be a gradient; tied weights make dr/dx symmetric.",
    "C5": "(dr/dx - I) / sigma^2 estimates the Hessian of log p.",
    "C6": "differences of energy are path integrals of the learned score.",
    "C7": (
        "Metropolis-Hastings and Langevin chains driven by a trained model sample p approximately."
    ),
    "C8": (
        "far from the data a learned field has spurious attractors, which training that visits "
        "such places removes."
    ),
    "C9": (
        "the loss of a denoising auto-encoder is denoising score matching; tied sigmoid units have "
        "an energy in closed form."
    ),
}


@dataclass(frozen=True)
class Listed:
    """Drawn once per density that lists it under ``figures``.

    Attributes
    ----------
    dimensions
        Allowed values of d; empty for any.
    of
        The trait that the kind of density has to have, or `ANYTHING`.
    separate
        Whether it needs separate auto-encoders (one per noise level) to be trained.
    """

    dimensions: tuple[int, ...]
    of: str = KNOWN
    separate: bool = False

    def subjects(self, name: str, config: Mapping) -> list[str]:
        """Return the densities of which a figure of that name is drawn."""
        return [who for who, entry in config["densities"].items() if name in entry["figures"]]

    def fits(self, kind: str, d: int) -> bool:
        """Return whether a density of this kind and dimension may name it."""
        fitting = self.of == ANYTHING or self.of in KINDS[kind].traits
        return fitting and (not self.dimensions or d in self.dimensions)


@dataclass(frozen=True)
class Charted:
    """Drawn per density, for the plan that ``sample.figures`` assigns to it.

    Attributes
    ----------
    about
        What it shows, in the schema's words.
    least, most
        Smallest and largest d of the densities that may have it.
    """

    about: str
    least: int = 1
    most: int = 1_000_000

    def subjects(self, name: str, config: Mapping) -> list[str]:
        """Return the densities of which a figure of that name is drawn."""
        densities = config["densities"].items()
        return [who for who, entry in densities if name in entry["sample"]["figures"]]


@dataclass(frozen=True)
class Probed:
    """Drawn per density whose ``sample`` section has models for the probe of the same name.

    The probes are ``differences`` and ``far_starts``; a new one needs a section of the schema.
    """

    def subjects(self, name: str, config: Mapping) -> list[str]:
        """Return the densities of which a figure of that name is drawn."""
        densities = config["densities"].items()
        return [who for who, entry in densities if entry["sample"][name]["models"]]


@dataclass(frozen=True)
class Shared:
    """Drawn once for all densities that `chosen` picks from the configuration, if any."""

    chosen: Callable[[Mapping], list[str]]

    def subjects(self, name: str, config: Mapping) -> list[str]:
        """Return [""] if it is drawn, [] if not."""
        return [""] if self.chosen(config) else []


@dataclass(frozen=True)
class OfImages:
    """Drawn once if there are images, and models of the kind that `needed` picks."""

    needed: Callable[[Mapping], list[str]]

    def subjects(self, name: str, config: Mapping) -> list[str]:
        """Return [""] if it is drawn, [] if not."""
        return [""] if config.get("images") and self.needed(config) else []


Scope = Listed | Charted | Probed | Shared | OfImages


def nothing(config: Mapping, density: str) -> dict:
    """Return the settings of a figure that has none."""
    return {}


def its_name(config: Mapping, density: str) -> dict:
    """Return the density's name."""
    return {"density": density}


def its_speed(config: Mapping, density: str) -> dict:
    """Return the speed of an animation."""
    return {"frames_per_second": config["figures"]["frames_per_second"]}


@dataclass(frozen=True)
class Figure:
    """A figure's declaration.

    Attributes
    ----------
    section
        One of `SECTIONS`.
    shows
        Ids of the statements that it is about, keys of `STATEMENTS`; may be empty.
    caption
        What to see in it.
    scope
        What it is drawn for, and which setting requests it.
    reads
        Files in ``results/`` by the keys of ``inputs`` in ``draw``; ``{density}`` stands for the
        density's name. A function of the configuration where their number depends on it.
    settings
        ``settings(config, density)`` returns the dictionary that ``draw`` gets as ``settings``;
        the density is "" for `Shared` and `OfImages`. `Charted` adds the ``plan``.
    formats
        File extensions: one output each, and the keys of ``outputs`` in ``draw``.
    measured
        What the report adds from this run, as a Jinja template; ``orders`` are the rows of
        results/score/order.csv, ``density`` is the name.
    """

    section: str
    shows: tuple[str, ...]
    caption: str
    scope: Scope
    reads: Mapping[str, str] | Callable[[Mapping], dict[str, str]]
    settings: Callable[[Mapping, str], dict] = nothing
    formats: tuple[str, ...] = ("pdf", "png")
    measured: str = ""

    @property
    def of_each_density(self) -> bool:
        """Whether one is drawn per density, and not one for all."""
        return isinstance(self.scope, Listed | Charted | Probed)

    def inputs(self, config: Mapping) -> dict[str, str]:
        """Return the results that it reads, by name."""
        return self.reads(config) if callable(self.reads) else dict(self.reads)

