"""Cost of the exact contractive optima against the number of grid points: it should be linear."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from autoscore.densities.energies import EnergyDensity
from autoscore.optimum.rcae_1d import solve_rcae_1d
from autoscore.optimum.rcae_2d import solve_rcae_2d
from benchmarks.rows import Row, timed
from benchmarks.timing import interleaved, peak_memory

POINTS = (1_000, 10_000, 100_000, 1_000_000)
SIDES = (100, 316, 1_000)
SMALLEST = 20
NINJA_STAR = "(sqrt(x1**2 + x2**2) - 2)**2 + (x1**2 - x2**2)**2 + 0.5 * log(x1**2 + x2**2 + 1)"
THREE_WELLS = "(10*(x+1)**2 + 1) * (20*x**2 + 1) * (30*(x-1)**2 + 1) / 1000"


def run() -> Iterator[Row]:
    """Yield the time of one solve by number of grid points, and its ratio to the coarsest grid."""
    wells = EnergyDensity(THREE_WELLS, [[-1.5, 1.5]])
    grids = {points: np.linspace(-1.5, 1.5, points) for points in POINTS}
    lines = {n: lambda x=x: solve_rcae_1d(wells, x, 0.1) for n, x in grids.items()}
    yield from _sweep("exact contractive optimum, d = 1", "points", lines, 5)
    planes = {side: lambda side=side: solve_plane(side) for side in SIDES}
    for row in _sweep("exact contractive optimum, d = 2", "points a side", planes, 2):
        peak = peak_memory(solve_plane, round(row.size))
        yield replace(row, memory=peak.added)


def solve_plane(side: int | None) -> None:
    """Solve for both components on a square grid; None stands for the smallest."""
    star = EnergyDensity(NINJA_STAR, [[-4.5, 4.5], [-4.5, 4.5]])
    x = np.linspace(-4.5, 4.5, side or SMALLEST)
    solve_rcae_2d(star, x, x, 0.1)


def _sweep(
    case: str, varied: str, tasks: dict[int, Callable[[], object]], rounds: int
) -> Iterator[Row]:
    seconds = interleaved(tasks, rounds)
    base = seconds[min(seconds)]
    for size, values in seconds.items():
        yield timed(case, varied, size, "ours", values, "one solve", base, "coarsest grid")
