"""Timing side by side."""

import time
from collections.abc import Callable

import numpy as np


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
            start = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in seconds.items()}


def line(name: str, seconds: np.ndarray, base: np.ndarray) -> str:
    """Return the median time and its ratio to a base, round by round, with the ratio's range."""
    ratio = seconds / base
    return (
        f"{name:<34} {np.median(seconds):10.4f} s   {np.median(ratio):8.2f} x "
        f"[{ratio.min():.2f}, {ratio.max():.2f}]"
    )


def ratio_line(name: str, theirs: np.ndarray | float, ours: np.ndarray) -> str:
    """Return how many times less ours takes, round by round; NaN where it never got there."""
    if not np.isfinite(ours).all():
        return f"{name:<34} {np.median(theirs):10.3f} s   not reached by ours in every round"
    ratio = theirs / ours
    return (
        f"{name:<34} {np.median(theirs):10.3f} s / {np.median(ours):8.3f} s = "
        f"{np.median(ratio):8.1f} x [{ratio.min():.1f}, {ratio.max():.1f}]"
    )
