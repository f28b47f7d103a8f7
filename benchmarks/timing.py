"""Time and memory."""

import multiprocessing
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np

# CPU time: on one thread it equals wall-clock time on an idle machine, and other work disturbs it
# less.
clock = process_time


def interleaved(
    tasks: dict[str, Callable[[], object]],
    rounds: int = 5,
    tick: Callable[[], float] = clock,
) -> dict[str, np.ndarray]:
    """Return the seconds of every round. Tasks take turns, so that a slow moment hits all.

    Parameters
    ----------
    tasks
        What to time, by name. Each runs once before the clock starts.
    rounds
        Number of timed rounds.
    tick
        The clock; the wall clock if several threads work.
    """
    for task in tasks.values():
        task()
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            start = tick()
            task()
            seconds[name].append(tick() - start)
    return {name: np.array(values) for name, values in seconds.items()}


class Peak(NamedTuple):
    """What a task took in its own process.

    Attributes
    ----------
    added, whole
        Peak memory in MiB: beyond that of the libraries, and in all.
    seconds
        CPU time of the task.
    """

    added: float
    whole: float
    seconds: float


def peak_memory(task: Callable[..., object], *arguments: object) -> Peak:
    """Return what a task takes in a new process; new, since a peak never falls.

    To measure the libraries' share, the task is first called with None for each argument, which
    should do as little as possible.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (task, arguments))


def _measure(task: Callable[..., object], arguments: tuple) -> Peak:
    task(*(None for _ in arguments))
    before, start = high_water(), clock()
    task(*arguments)
    return Peak(high_water() - before, high_water(), clock() - start)


def high_water() -> float:
    """Return this process's peak memory in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux counts the parent's memory in ru_maxrss
        return int(re.search(r"VmHWM:\s*(\d+)", status.read_text()).group(1)) / 2**10
    unit = 1 if sys.platform == "darwin" else 2**10  # bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
