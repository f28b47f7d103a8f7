"""Normals for a block of chains, each from its own generator: see `autoscore.samplers.streams`.

A step of a chain takes two words for every two coordinates, the last of an odd number alone, and
one more if the move may be rejected.
"""

import numpy as np

from autoscore.samplers.compiled.blocks import lanes_for, load, store
from autoscore.samplers.compiled.cache import kept
from autoscore.samplers.compiled.elementary import fast, log_of_normal, number, octant

ONE = np.uint64(0x3FF0000000000000)  # the bits of 1.0
UNIFORM = np.uint64(12)  # bits of a word that a uniform number leaves over
SIGN = np.uint64(63)
FIRST, SECOND, THIRD = np.uint64(1), np.uint64(2), np.uint64(4)  # of those left over
LEFT_23, RIGHT_41 = np.uint64(23), np.uint64(41)
LEFT_45, RIGHT_19 = np.uint64(45), np.uint64(19)
SHIFT = np.uint64(17)


@fast
def next_words(states: np.ndarray, words: np.ndarray) -> None:
    """Draw a word from each generator: xoshiro256++ (Blackman and Vigna 2021), ``(4, lanes)``."""
    for j in range(len(words)):
        a, b, c, d = states[0, j], states[1, j], states[2, j], states[3, j]
        total = a + d
        words[j] = ((total << LEFT_23) | (total >> RIGHT_41)) + a
        c, d = c ^ a, d ^ b
        states[0, j], states[1, j] = a ^ d, b ^ c
        states[2, j], states[3, j] = c ^ (b << SHIFT), (d << LEFT_45) | (d >> RIGHT_19)


@fast
def uniform(word: int) -> float:
    """Return (k + 1/2) / 2^52 for the word's upper 52 bits k: neither 0 nor 1."""
    return number((word >> UNIFORM) | ONE) - (1.0 - 2.0**-53)


@fast
def pairs(first: np.ndarray, second: np.ndarray, cosines: np.ndarray, sines: np.ndarray) -> None:
    """Turn two words per lane into two normals, by Box and Muller's transform.

    The second word gives an angle within an eighth of a turn, and, by its last bits, which eighth.
    """
    for j in range(len(first)):
        radius = np.sqrt(-2.0 * log_of_normal(uniform(first[j])))
        word = second[j]
        x, y = octant(uniform(word))
        x, y = (y, x) if word & FIRST else (x, y)
        cosines[j] = radius * (-x if word & SECOND else x)
        sines[j] = radius * (-y if word & THIRD else y)


@fast
def draw(states: np.ndarray, words: np.ndarray, normals: np.ndarray) -> None:
    """Draw normals, ``(even, lanes)``, by way of words of shape ``(2, lanes)``."""
    for i in range(0, len(normals), 2):
        next_words(states, words[0])
        next_words(states, words[1])
        pairs(words[0], words[1], normals[i], normals[i + 1])


@kept
def read(states: np.ndarray, numbers: np.ndarray, adjusted: bool) -> None:
    """Fill ``(n, steps, width)`` with normals, and with a uniform number at last if adjusted."""
    n, steps, width = numbers.shape
    dim = width - adjusted
    lanes = lanes_for(n)
    own, words = np.empty((4, lanes), np.uint64), np.empty((2, lanes), np.uint64)
    normals = np.empty((dim + dim % 2, lanes))
    for first in range(0, n, lanes):
        load(states, first, own)
        for k in range(steps):
            draw(own, words, normals)
            store(normals[:dim], first, numbers[:, k])
            if adjusted:
                next_words(own, words[0])
                for j in range(min(lanes, n - first)):
                    numbers[first + j, k, dim] = uniform(words[0, j])
        store(own, first, states)
