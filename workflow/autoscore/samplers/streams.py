"""Generators of many chains at once, as arrays: a step of compiled chains draws from them all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

WORDS = 4  # of 64 bits, in a generator's state


@dataclass(frozen=True)
class Streams:
    """A generator for each chain: xoshiro256++ (Blackman and Vigna 2021, ACM TOMS 47).

    `states` has shape ``(n, 4)`` and is moved on by what is drawn. A chain's numbers depend on its
    own row alone.
    """

    states: np.ndarray

    @classmethod
    def of(cls, generators: Sequence[np.random.Generator]) -> "Streams":
        """Begin each stream at the next four words of a generator of NumPy's."""
        states = np.empty((len(generators), WORDS), dtype=np.uint64)
        for row, rng in zip(states, generators, strict=True):
            row[:] = rng.integers(2**64, size=WORDS, dtype=np.uint64)
        return cls(states)

    def __len__(self) -> int:
        return len(self.states)

    def first(self, n: int) -> "Streams":
        """Return a copy of the first n streams."""
        return Streams(self.states[:n].copy())

    def normals(self, steps: int, width: int, *, adjusted: bool) -> np.ndarray:
        """Draw what compiled chains draw in so many steps, ``(n, steps, width)``.

        If they are adjusted, the last number is the normal of which a uniform one is the
        distribution function, and decides on acceptance.
        """
        from autoscore.samplers.compiled.normals import read  # loads Numba, half a second

        numbers = np.empty((len(self), steps, width))
        read(self.states, numbers, adjusted)
        if adjusted:
            numbers[..., -1] = ndtri(numbers[..., -1])
        return numbers
