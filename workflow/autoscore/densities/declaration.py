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
    """A kind of density; an entry is one value of ``densities`` in the configuration.

    Attributes
    ----------
    name
        The value of ``kind`` in an entry.
    about
        What it is and which keys describe it, in one sentence for the documentation.
    properties
        The JSON Schema, with a description, of each of its own keys; no two kinds share a key.
    make
        ``make(entry)`` returns the density or raises ValueError.
    dimension
        ``dimension(entry)`` returns d.
    required
        Keys that every entry needs.
    exactly_one_of
        Pairs of keys of which an entry needs one and may not have both.
    fault_phrases
        From a phrase of an error message to the key at fault; the default is the first property.
    traits
        `KNOWN` if log p and the score are known, `CURVE` if the points lie along a curve, `POINTS`
        if there is nothing but a user's points.
    is_degenerate
        ``is_degenerate(entry)``: whether all mass lies on points or a curve.
    """

    name: str
    about: str
    properties: Mapping[str, dict]
    make: Callable[[Mapping], Density]
    dimension: Callable[[Mapping], int]
    required: tuple[str, ...] = ()
    exactly_one_of: tuple[tuple[str, str], ...] = ()
    fault_phrases: Mapping[str, str] = field(default_factory=dict)
    traits: frozenset[str] = frozenset({KNOWN})
    is_degenerate: Callable[[Mapping], bool] = lambda entry: False

    def key_at_fault(self, entry: Mapping, message: str) -> str:
        """Return the key of an entry that an error message is about."""
        named = [key for phrase, key in self.fault_phrases.items() if phrase in message]
        return next((key for key in [*named, *self.properties] if key in entry), "kind")
