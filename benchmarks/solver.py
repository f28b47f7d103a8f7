"""Cost of the exact contractive optima against the number of grid points: it should be linear."""

import resource
from collections.abc import Callable

import numpy as np

from autoscore.densities.energies import EnergyDensity
from autoscore.optimum.rcae_1d import solve_rcae_1d
from autoscore.optimum.rcae_2d import solve_rcae_2d
from benchmarks.timing import interleaved, line

POINTS = (1_000, 10_000, 100_000, 1_000_000)
SIDES = (100, 316, 1_000)
NINJA_STAR = "(sqrt(x1**2 + x2**2) - 2)**2 + (x1**2 - x2**2)**2 + 0.5 * log(x1**2 + x2**2 + 1)"
THREE_WELLS = "(10*(x+1)**2 + 1) * (20*x**2 + 1) * (30*(x-1)**2 + 1) / 1000"


def run() -> None:
    """Print the time of one solve for each number of points, and its ratio to ten times fewer."""
    wells = EnergyDensity(THREE_WELLS, [[-1.5, 1.5]])
    grids = {points: np.linspace(-1.5, 1.5, points) for points in POINTS}
    print("One solve of the Euler-Lagrange equation, and its ratio to a grid ten times coarser")
    _compare(
        {f"{n:,} points": lambda x=x: solve_rcae_1d(wells, x, 0.1) for n, x in grids.items()}, 5
    )
    star = EnergyDensity(NINJA_STAR, [[-4.5, 4.5], [-4.5, 4.5]])
    squares = {side: np.linspace(-4.5, 4.5, side) for side in SIDES}
    print("The same in two dimensions, both components")
    _compare(
        {f"{n:,} x {n:,}": lambda x=x: solve_rcae_2d(star, x, x, 0.1) for n, x in squares.items()},
        2,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of all of it: {peak:.2f} GiB")


def _compare(tasks: dict[str, Callable[[], object]], rounds: int) -> None:
    seconds = interleaved(tasks, rounds)
    previous = next(iter(seconds.values()))
    for name, values in seconds.items():
        print(line(name, values, previous))
        previous = values
