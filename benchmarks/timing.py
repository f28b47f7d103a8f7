"""Timing side by side."""

from collections.abc import Callable
from time import process_time

import numpy as np

# Everything runs on one thread, where the processor's time is what the wall clock shows on an
# idle machine, and a busy one disturbs it less.
clock = process_time


def interleaved(tasks: dict[str, Callable[[], object]], rounds: int = 5) -> dict[str, np.ndarray]:
    """Return seconds of every round, tasks taking turns so that a slow moment hits all of them.

    Parameters
    ----------
    tasks
        What to time, by name. Each runs once before the clock starts.
    rounds
        Number of timed rounds.
    """
    for task in tasks.values():
        task()
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            start = clock()
            task()
            seconds[name].append(clock() - start)
    return {name: np.array(values) for name, values in seconds.items()}


def line(name: str, seconds: np.ndarray, base: np.ndarray) -> str:
    """Return the median time and its ratio to a base, round by round, with the ratio's range."""
    ratio = seconds / base
    return (
        f"{name:<34} {np.median(seconds):10.4f} s   {np.median(ratio):8.2f} x "
        f"[{ratio.min():.2f}, {ratio.max():.2f}]"
    )


def ratio_line(name: str, theirs: np.ndarray | float, ours: np.ndarray) -> str:
    """Return how many times less ours takes, round by round; a NaN where it never got there."""
    reached = np.isfinite(ours)
    if not reached.all():
        rounds = f"reached by ours in {reached.sum()} of {len(ours)} rounds"
        return f"{name:<34} {np.median(theirs):10.3f} s   {rounds}"
    ratio = theirs / ours
    return (
        f"{name:<34} {np.median(theirs):10.3f} s / {np.median(ours):8.3f} s = "
        f"{np.median(ratio):8.1f} x [{ratio.min():.1f}, {ratio.max():.1f}]"
    )
