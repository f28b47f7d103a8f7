"""What a figure declares; rules, schema, messages, captions and indexes derive from it.

A figure is one module of this folder, named as the figure, with ``FIGURE``, a `Figure`, and
``draw(inputs, outputs, settings)``. ``inputs`` has the keys of ``reads``, ``outputs`` those of
``formats``, both with paths; ``settings`` is what `autoscore.figures.registry.settings_of` returns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autoscore.densities.declaration import KNOWN
from autoscore.densities.registry import KINDS

# the sections of the report, in their order
PAPER = "The paper's figures"
LINE = "The score in one dimension"
PLANE = "Fields in the plane"
SAMPLING = "Energy and sampling"
IMAGES = "Images"
BEYOND = "Beyond the paper"
SECTIONS = (PAPER, LINE, PLANE, SAMPLING, IMAGES, BEYOND)
STATEMENT = "[TPC][1-9]"  # ids of the paper's statements, which config/claims.yaml puts in words

ANYTHING = "any density"
RUNS = {  # what figures of chains read
    "chains": "results/sample/{density}.npz",
    "diagnostics": "results/sample/{density}.csv",
}


class Scope:
    """What a figure is drawn for."""

    def settings(self, name: str, config: Mapping, density: str) -> dict:
        """Return settings that all figures of this scope have."""
        return {}


class PerDensity(Scope):
    """Drawn once per density whose entry in the configuration asks for it."""

    def subjects(self, name: str, config: Mapping) -> list[str]:
        """Return the densities for which the figure of that name is drawn."""
        return [who for who, entry in config["densities"].items() if self.asked(name, entry)]


@dataclass(frozen=True)
class Listed(PerDensity):
    """Drawn per density that lists it under ``figures``.

    The density must have one of the `dimensions` (empty for any) and a kind with the `trait` (or
    `ANYTHING`); `needs_separate` says whether separate auto-encoders must be trained on it.
    """

    dimensions: tuple[int, ...]
    trait: str = KNOWN
    needs_separate: bool = False

    def asked(self, name: str, entry: Mapping) -> bool:
        return name in entry["figures"]

    def fits(self, kind: str, d: int) -> bool:
        """Return whether a density of this kind and dimension may list it."""
        fitting = self.trait == ANYTHING or self.trait in KINDS[kind].traits
        return fitting and (not self.dimensions or d in self.dimensions)


@dataclass(frozen=True)
class Charted(PerDensity):
    """Drawn per density, for the plan that ``sample.figures`` assigns to it.

    ``about`` says in the schema what it shows; `least` and `most` bound the density's dimension.
    """

    about: str
    least: int = 1
    most: int = 1_000_000

    def asked(self, name: str, entry: Mapping) -> bool:
        return name in entry["sample"]["figures"]

    def settings(self, name: str, config: Mapping, density: str) -> dict:
        return {"plan": config["densities"][density]["sample"]["figures"][name]}


@dataclass(frozen=True)
class Probed(PerDensity):
    """Drawn per density whose ``sample`` section has models for the probe of the same name.

    The probes are ``differences``, ``far_starts`` and ``metropolis``; a new one needs a section of
    the schema.
    """

    def asked(self, name: str, entry: Mapping) -> bool:
        return bool(entry["sample"][name]["models"])


@dataclass(frozen=True)
class Once(Scope):
    """Drawn once if the function `of` picks anything from the configuration."""

    of: Callable[[Mapping], list[str]]

    def subjects(self, name: str, config: Mapping) -> list[str]:
        """Return [""] if it is drawn, [] if not."""
        return [""] if self.of(config) else []


class Shared(Once):
    """Drawn once for several densities, which `of` picks."""

    def settings(self, name: str, config: Mapping, density: str) -> dict:
        return {"densities": self.of(config)}


class OfPaper(Once):
    """A numbered figure of the paper, drawn once in ``figures/paper/`` if `of` finds its results.

    `of` returns the densities whose results it reads, empty if a configuration lacks one of them.
    """


def needing(*names: str) -> Callable[[Mapping], list[str]]:
    """Return a function that picks these densities from a configuration that has all of them."""
    return lambda config: list(names) if config["densities"].keys() >= set(names) else []


class OfImages(Once):
    """Drawn once, for the image models that `of` picks."""


def no_settings(config: Mapping, density: str) -> dict:
    """Return the settings of a figure that needs none."""
    return {}


def density_name(config: Mapping, density: str) -> dict:
    """Return the density's name, for the title."""
    return {"density": density}


def animation_speed(config: Mapping, density: str) -> dict:
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
        Ids of the statements that it is about (`STATEMENT`); may be empty.
    caption
        What to see in it; for a figure of the paper, what ours shows.
    paper, deviations
        For a figure of the paper: what the paper's shows, and each way in which ours differs.
    scope
        What it is drawn for, and which setting requests it.
    reads
        Files in ``results/`` by name; ``{density}`` stands for the density. A function of the
        configuration where their number depends on it.
    settings
        ``settings(config, density)`` returns settings for ``draw``; the density is "" for `Shared`
        and `OfImages`. `Charted` adds ``plan``, and `Shared` its ``densities``.
    formats
        File extensions, one output each.
    findings
        What the report adds from its own run, as a Jinja template; ``orders`` are the rows of
        results/score/order.csv, ``density`` is the name.
    """

    section: str
    shows: tuple[str, ...]
    caption: str
    scope: Scope
    reads: Mapping[str, str] | Callable[[Mapping], dict[str, str]]
    settings: Callable[[Mapping, str], dict] = no_settings
    formats: tuple[str, ...] = ("pdf", "png")
    paper: str = ""
    deviations: tuple[str, ...] = ()
    findings: str = ""

    @property
    def per_density(self) -> bool:
        """Whether one is drawn per density, not one for all."""
        return isinstance(self.scope, PerDensity)

    def inputs(self, config: Mapping) -> dict[str, str]:
        """Return the results that it reads, by name."""
        return self.reads(config) if callable(self.reads) else dict(self.reads)
