"""All kinds of density by name, and what they say of an entry of the configuration."""

from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType

from autoscore.declarations import collect, modules_of, one
from autoscore.densities.base import Density
from autoscore.densities.declaration import KNOWN, Kind


def declared(modules: Iterable[ModuleType]) -> dict[str, Kind]:
    """Return the kinds that modules declare, by name; raise DeclarationError for wrong ones."""
    owners: dict[str, str] = {}

    def mistakes(module: ModuleType, name: str, kind: Kind) -> Iterator[str]:
        for key in kind.properties:
            if key in owners:
                yield f"key {key!r} belongs to kind {owners[key]} as well: rename it"
            owners[key] = name

    return collect(modules, one("KIND"), mistakes)


KINDS = declared(modules_of(__name__, __file__))


def make_density(entry: Mapping) -> Density:
    """Return the density of an entry; raise ValueError if the entry does not describe one."""
    if entry["kind"] not in KINDS:
        raise ValueError(f"unknown kind of density {entry['kind']!r}; known: {', '.join(KINDS)}")
    return KINDS[entry["kind"]].make(entry)


def dimension(entry: Mapping) -> int:
    """Return the dimension d of the density of an entry."""
    return KINDS[entry["kind"]].dimension(entry)


def is_degenerate(entry: Mapping) -> bool:
    """Return whether all mass of an entry's density lies on points or a curve."""
    return KINDS[entry["kind"]].is_degenerate(entry)


def is_known(entry: Mapping) -> bool:
    """Return whether the score of an entry's density is known, if need be only under noise."""
    return KNOWN in KINDS[entry["kind"]].traits


def add_to_schema(density: dict) -> None:
    """Add all kinds and their keys, in place, to the schema of an entry."""
    density["properties"]["kind"]["enum"] = list(KINDS)
    density["allOf"] = []
    for kind in KINDS.values():
        density["description"] += f" kind {kind.name}: {kind.about}."
        density["properties"] |= kind.properties
        if kind.required:
            of_kind = {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]}
            density["allOf"].append({"if": of_kind, "then": {"required": list(kind.required)}})
