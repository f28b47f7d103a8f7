"""What a kind of density declares of itself; schema, messages and figures derive from it.

A kind is one module of this folder with ``KIND``, a `Kind`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autoscore.densities.base import Density

KNOWN, CURVE, POINTS = "a known density", "a curve", "points"  # traits that figures ask for


def never(entry: Mapping) -> bool:
    """Return False."""
    return False


@dataclass(frozen=True)
class Kind:
    """A kind of density: how its entry in the configuration looks, and what it describes.

    Attributes
    ----------
    name
        The value of ``kind`` in an entry.
    about
        What it is, and which keys describe it, in a sentence for the documentation.
    keys
        JSON Schema of each of its own keys, with a description; no two kinds share one. The first
        is blamed for an error that names no other.
    make
        ``make(entry)`` returns the density, or raises ValueError if the numbers describe none.
    dimension
        ``dimension(entry)`` returns d.
    required
        Keys without which there is no such density.
    either
        Pairs of keys; exactly one of each pair must be given.
    blamed
        From a phrase of an error message to the key to blame.
    traits
        `KNOWN` if log p and the score are known, `CURVE` if the points lie along one, `POINTS` if
        a user's points are all there is.
    is_degenerate
        Whether all mass of an entry's density lies on points or a curve.
    """

    name: str
    about: str
    keys: Mapping[str, dict]
    make: Callable[[Mapping], Density]
    dimension: Callable[[Mapping], int]
    required: tuple[str, ...] = ()
    either: tuple[tuple[str, str], ...] = ()
    blamed: Mapping[str, str] = field(default_factory=dict)
    traits: frozenset[str] = frozenset({KNOWN})
    is_degenerate: Callable[[Mapping], bool] = never

    def blame(self, entry: Mapping, message: str) -> str:
        """Return the key of an entry that an error speaks of."""
        named = [key for words, key in self.blamed.items() if words in message]
        return next((key for key in [*named, *self.keys] if key in entry), "kind")
