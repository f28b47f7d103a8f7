"""All kinds of density by name, and from an entry of the configuration to a density."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

from autoscore.densities.base import Density
from autoscore.densities.declaration import KNOWN, Kind


class DeclarationError(ValueError):
    """A kind that declares what cannot be; the message names its module and the remedy."""


def declared(modules: Iterable[ModuleType]) -> dict[str, Kind]:
    """Return the kinds that modules declare, by name.

    Raises
    ------
    DeclarationError
        If two have one name, or two give one key different schemas.
    """
    found: dict[str, Kind] = {}
    for module in modules:
        kind = getattr(module, "KIND", None)
        if kind is None:
            continue
        if kind.name in found:
            raise DeclarationError(
                f"{module.__name__}: kind {kind.name!r} is declared twice: rename one"
            )
        for other in found.values():
            for key in kind.keys.keys() & other.keys.keys():
                raise DeclarationError(
                    f"{module.__name__}: key {key!r} is one of kind {other.name}, too: rename it"
                )
        found[kind.name] = kind
    return found


def _modules() -> list[ModuleType]:
    names = sorted(file.stem for file in Path(__file__).parent.glob("*.py"))
    others = ("__init__", "declaration", "registry")
    return [import_module(f"autoscore.densities.{name}") for name in names if name not in others]


KINDS = declared(_modules())


def make_density(entry: Mapping) -> Density:
    """Return the density that a configuration entry describes.

    Parameters
    ----------
    entry
        One value of ``densities`` in the configuration: a ``kind`` and what belongs to it.

    Raises
    ------
    ValueError
        If the numbers do not describe a density, or a file cannot be read.
    """
    if entry["kind"] not in KINDS:
        raise ValueError(f"unknown kind of density {entry['kind']!r}; known: {', '.join(KINDS)}")
    return KINDS[entry["kind"]].make(entry)


def dimension(entry: Mapping) -> int:
    """Return the dimension d of the density that a configuration entry describes."""
    return KINDS[entry["kind"]].dimension(entry)


def is_bare(entry: Mapping) -> bool:
    """Return whether all mass of an entry's density lies on points or a curve."""
    return KINDS[entry["kind"]].is_bare(entry)


def is_known(entry: Mapping) -> bool:
    """Return whether log p, perhaps under noise, and the score are known."""
    return KNOWN in KINDS[entry["kind"]].traits


def add_to_schema(density: dict) -> None:
    """Put the kinds and their keys, in place, into the schema of a density's entry."""
    properties = density["properties"]
    properties["kind"]["enum"] = list(KINDS)
    for kind in KINDS.values():
        density["description"] += f" kind {kind.name}: {kind.about}."
        properties |= kind.keys
    density["allOf"] = [
        {
            "if": {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]},
            "then": {"required": list(kind.required)},
        }
        for kind in KINDS.values()
        if kind.required
    ]
