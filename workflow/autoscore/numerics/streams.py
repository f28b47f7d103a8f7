"""Independent random streams, named instead of numbered.

A stream is found from the global seed and a path of names such as
``("train", "three_wells", "dae", 3)``. Adding a member, a chain or a density
therefore changes no other stream.
"""

import hashlib

import numpy as np

# Streams keep the names under which they were first drawn: a renamed model keeps its numbers.
FORMER = {"separate": "ensemble"}


def entropy(seed: int, *names: object) -> int:
    """Return 128 bits of entropy for the stream called `names` under `seed`."""
    names = tuple(FORMER.get(name, name) for name in names)
    plain = [name.item() if isinstance(name, np.generic) else name for name in names]
    path = "/".join([str(seed), *map(repr, plain)])
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:16], "little")


def generator(seed: int, *names: object) -> np.random.Generator:
    """Return the NumPy generator of the stream called `names` under `seed`.

    Parameters
    ----------
    seed
        The seed of the whole run.
    *names
        Stage, density, member and so on: any objects with a stable ``repr``.
    """
    return np.random.default_rng(entropy(seed, *names))
