"""Independent random streams, named instead of numbered.

The global seed and a path of names such as ``("train", "three_wells", "dae", 3)`` determine a
stream. Adding a member, a chain or a density therefore changes no other stream.
"""

import hashlib
from collections.abc import Callable

import numpy as np

Streams = Callable[..., np.random.Generator]  # from names to a generator

# What was renamed keeps the stream of its first name, and with it its numbers.
FORMER = {
    "separate": "ensemble",
    "repository_2013": "paper_2013",
    "repository_2013_walk": "paper_2013_walk",
    "repository_walk": "adjusted_walk_2013",
    "repository_walk_one_point": "adjusted_walk_2013_one_point",
}


def entropy(seed: int, *names: object) -> int:
    """Return 128 bits of entropy for the stream of these names, whose ``repr`` is stable."""
    plain = [name.item() if isinstance(name, np.generic) else name for name in names]
    path = "/".join([str(seed), *(repr(_first(name)) for name in plain)])
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:16], "little")


def _first(name: object) -> object:
    # runs of chains join several names by "-"
    if not isinstance(name, str):
        return name
    return "-".join(FORMER.get(word, word) for word in name.split("-"))


def generator(seed: int, *names: object) -> np.random.Generator:
    """Return the generator of a stream: `seed` of the whole run, then stage, density and so on.

    Examples
    --------
    The same names give the same numbers, whatever else is drawn.

    >>> first, again, other = (generator(2014, "chain", k) for k in (0, 0, 1))
    >>> x = first.standard_normal(3)
    >>> bool((again.standard_normal(3) == x).all()), bool((other.standard_normal(3) == x).any())
    (True, False)
    """
    return np.random.default_rng(entropy(seed, *names))
