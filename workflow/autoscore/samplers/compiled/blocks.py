"""Chains side by side: arrays of a block have a row for each coordinate, a lane for each chain."""

import numpy as np

from autoscore.samplers.compiled.elementary import fast

LANES = 128  # of a block: what these chains need fits into the processor's first cache
AT_ONCE = 8  # numbers in the widest registers


@fast
def lanes_for(chains: int) -> int:
    """Return how wide blocks are that so many chains fill about evenly."""
    blocks = -(-chains // LANES)
    return -(-chains // (blocks * AT_ONCE)) * AT_ONCE


@fast
def load(rows: np.ndarray, first: int, out: np.ndarray) -> None:
    """Copy rows, ``(n, width)``, from the first on into ``(width, lanes)``; the last fills up."""
    for j in range(out.shape[1]):
        row = min(first + j, len(rows) - 1)
        for i in range(len(out)):
            out[i, j] = rows[row, i]


@fast
def store(values: np.ndarray, first: int, rows: np.ndarray) -> None:
    """Copy ``(width, lanes)`` back into rows, ``(n, width)``, as far as there are any."""
    for j in range(min(values.shape[1], len(rows) - first)):
        for i in range(len(values)):
            rows[first + j, i] = values[i, j]
