"""The same chains in several processes: worthwhile for thousands of them."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from autoscore.samplers.chains import Chains, run
from autoscore.samplers.kernels import Kernel, State

_work: Callable[[np.ndarray], Chains]  # set in each process: from rows to their chains


def run_in_processes(
    kernel: Kernel,
    start: np.ndarray,
    draws: int,
    generators: Sequence[np.random.Generator],
    processes: int,
    *,
    burn_in: int = 0,
    thin: int = 1,
    target_acceptance: float | None = None,
) -> Chains:
    """Run a kernel on a batch of chains, one generator each, divided among processes.

    Draws and errors equal those of `autoscore.samplers.chains.run`, except that errors number
    chains within their process and that the caller's generators may not advance. One process tunes
    the step for all. Use it for plain arithmetic, since networks have their own threads. Where
    forking is impossible, one process does everything.
    """
    began = time.perf_counter()
    state, tuned = kernel.init(np.array(start, dtype=float)), []
    if target_acceptance is not None:
        options = {"burn_in": burn_in, "target_acceptance": target_acceptance}
        tuned = [run(kernel, state, 0, generators, **options)]
        kernel, state, burn_in = tuned[0].kernel, tuned[0].state, 0

    def work(rows: np.ndarray) -> Chains:
        part = _combined([state], lambda values: values[0][rows])
        streams = [generators[row] for row in rows]
        found = run(kernel, part, draws, streams, burn_in=burn_in, thin=thin)
        return replace(found, kernel=None)  # a compiled density cannot be pickled

    shares = np.array_split(np.arange(len(generators)), processes)
    if processes == 1 or "fork" not in multiprocessing.get_all_start_methods():
        parts = [work(np.arange(len(generators)))]
    else:
        with multiprocessing.get_context("fork").Pool(processes, _begin, (work,)) as pool:
            parts = pool.map(_do, shares, chunksize=1)
    return Chains(
        np.concatenate([part.draws for part in parts]),
        np.concatenate([part.acceptance for part in parts]),
        sum(part.evaluations for part in tuned + parts),
        sum(part.jacobians for part in tuned + parts),
        time.perf_counter() - began,
        kernel,
        _combined([part.state for part in parts], np.concatenate),
    )


def _begin(work: Callable[[np.ndarray], Chains]) -> None:
    global _work
    _work = work


def _do(rows: np.ndarray) -> Chains:
    return _work(rows)


def _combined(states: list[State], combine: Callable[[list], np.ndarray]) -> State:
    parts = {
        name: None if part is None else combine([getattr(state, name) for state in states])
        for name, part in vars(states[0]).items()
    }
    return type(states[0])(**parts)
