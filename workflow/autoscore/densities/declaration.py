"""What a kind of density declares of itself; schema, messages and figures derive from it.

A kind is one module of this folder with ``KIND``, a `Kind`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autoscore.densities.base import Density

REAL, VECTOR, MATRIX = ({"$ref": f"#/$defs/{name}"} for name in ("real", "vector", "matrix"))
KNOWN, CURVE, POINTS = "a known density", "a curve", "points"  # traits that figures ask for


def number(description: str, least: float, most: float, *, whole: bool = False) -> dict:
    """Return the schema of a number in a range."""
    ends = {"minimum": least, "maximum": most}
    return {"description": description, "type": "integer" if whole else "number"} | ends


def array(description: str, items: Mapping, **limits: int | bool) -> dict:
    """Return the schema of a list that is not empty; limits are keywords of JSON Schema."""
    return {"description": description, "type": "array", "minItems": 1, "items": items} | limits


@dataclass(frozen=True)
class Kind:
    """A kind of density; an entry is one value of ``densities`` in the configuration."""

    name: str  # the value of ``kind`` in an entry
    about: str  # what it is and which keys describe it, in one sentence for the documentation
    properties: Mapping[str, dict]  # its own keys: JSON Schema with description; no kinds share one
    make: Callable[[Mapping], Density]  # an entry's density; raises ValueError
    dimension: Callable[[Mapping], int]  # an entry's d
    required: tuple[str, ...] = ()  # keys that every entry needs
    exactly_one_of: tuple[tuple[str, str], ...] = ()  # pairs of keys; an entry has one of each
    # from a phrase of an error message to the key at fault; the default is the first property
    fault_phrases: Mapping[str, str] = field(default_factory=dict)
    # KNOWN if log p and the score are known, CURVE if the points lie along a curve, POINTS if there
    # is nothing but a user's points
    traits: frozenset[str] = frozenset({KNOWN})
    is_degenerate: Callable[[Mapping], bool] = lambda entry: False  # all mass on points or a curve

    def key_at_fault(self, entry: Mapping, message: str) -> str:
        """Return the key of an entry that an error message is about."""
        named = [key for phrase, key in self.fault_phrases.items() if phrase in message]
        return next((key for key in [*named, *self.properties] if key in entry), "kind")
