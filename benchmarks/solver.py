"""Cost of the exact contractive optimum against the number of grid points: it should be linear."""

import numpy as np

from autoscore.densities.energies import EnergyDensity
from autoscore.optimum.rcae_1d import solve_rcae_1d
from benchmarks.timing import interleaved, line

POINTS = (1_000, 10_000, 100_000, 1_000_000)
THREE_WELLS = "(10*(x+1)**2 + 1) * (20*x**2 + 1) * (30*(x-1)**2 + 1) / 1000"


def run() -> None:
    """Print the time of one solve for each number of points, and its ratio to ten times fewer."""
    density = EnergyDensity(THREE_WELLS, [[-1.5, 1.5]])
    grids = {points: np.linspace(-1.5, 1.5, points) for points in POINTS}
    seconds = interleaved(
        {f"{n:,} points": lambda x=x: solve_rcae_1d(density, x, 0.1) for n, x in grids.items()}
    )
    print("One solve of the Euler-Lagrange equation, and its ratio to a grid ten times coarser")
    previous = next(iter(seconds.values()))
    for name, values in seconds.items():
        print(line(name, values, previous))
        previous = values
