"""What the machine can do on one thread: the rates with which everything else is compared."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.rows import Row
from benchmarks.timing import interleaved

SIDE = 1024  # rows and columns of the matrices
NUMBERS = 1 << 14  # numbers for tanh: they fit into a cache
BYTES = 1 << 27  # numbers to copy: they fit into no cache
ROUNDS = 7


@dataclass(frozen=True)
class Rates:
    """Single precision, one thread, the best of the rounds.

    Attributes
    ----------
    products
        Multiplications and additions per second in a large matrix product.
    tanhs
        Values of tanh per second.
    traffic
        Bytes per second read and written by a copy.
    """

    products: float
    tanhs: float
    traffic: float


def rates() -> Rates:
    """Measure the rates, in two seconds."""
    seconds = _times()
    best = {name: values.min() for name, values in seconds.items()}
    return Rates(
        2.0 * SIDE**3 / best["matrix product"], NUMBERS / best["tanh"], 2.0 * BYTES / best["copy"]
    )


def _times() -> dict[str, np.ndarray]:
    a, x = torch.randn(SIDE, SIDE), torch.randn(NUMBERS)
    source, out = torch.zeros(BYTES // 4), torch.zeros(BYTES // 4)
    tasks = {
        "matrix product": lambda: a @ a,
        "tanh": lambda: [torch.tanh(x) for _ in range(64)],
        "copy": lambda: out.copy_(source),
    }
    found = interleaved(tasks, ROUNDS)
    return found | {"tanh": found["tanh"] / 64}


def run() -> Iterator[Row]:
    """Yield each operation's time per unit of work; ratios are to the best round."""
    torch.set_num_threads(1)
    works = {
        "matrix product": (2.0 * SIDE**3 / 1e9, "10^9 operations"),
        "tanh": (NUMBERS / 1e9, "10^9 values"),
        "copy": (2.0 * BYTES / 1e9, "10^9 bytes"),
    }
    for name, seconds in _times().items():
        work, unit = works[name]
        ratio = seconds / seconds.min()
        yield Row(
            f"one thread: {name}",
            "",
            np.nan,
            "machine",
            float(np.median(seconds)) / work,
            unit,
            float(np.median(ratio)),
            float(ratio.min()),
            float(ratio.max()),
            "best round",
        )
