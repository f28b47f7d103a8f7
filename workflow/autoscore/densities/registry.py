"""All kinds of density by name, and from an entry of the configuration to a density."""

from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType

from autoscore.declarations import collect, modules_of, one
from autoscore.densities.base import Density
from autoscore.densities.declaration import KNOWN, Kind


def declared(modules: Iterable[ModuleType]) -> dict[str, Kind]:
    """Return the kinds that modules declare, by name; raise DeclarationError for wrong ones."""
    keys: dict[str, str] = {}

    def mistakes(module: ModuleType, name: str, kind: Kind) -> Iterator[str]:
        for key in kind.keys:
            if key in keys:
                yield f"key {key!r} is one of kind {keys[key]}, too: rename it"
            keys[key] = name

    return collect(modules, one("KIND"), mistakes)


KINDS = declared(modules_of(__name__, __file__))


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


def is_degenerate(entry: Mapping) -> bool:
    """Return whether all mass of an entry's density lies on points or a curve."""
    return KINDS[entry["kind"]].is_degenerate(entry)


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
