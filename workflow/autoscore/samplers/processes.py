"""The same chains in several processes: worth it where there are thousands of them."""

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from multiprocessing.connection import Connection

import numpy as np

from autoscore.samplers.chains import Chains, run
from autoscore.samplers.kernels import Kernel, State


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
    """Run a kernel on a batch of chains, each process on its part of them.

    The draws are those of `autoscore.samplers.chains.run`, whatever the number of processes; but
    the generators here may not advance. A step that is tuned is so by one process, during burn-in,
    for all. For targets that are plain arithmetic: networks have threads of their own. Where
    processes cannot be forked there is but one.

    Parameters
    ----------
    processes
        How many, >= 1.
    kernel, start, draws, generators, burn_in, thin, target_acceptance
        As for `autoscore.samplers.chains.run`.

    Raises
    ------
    ValueError, FloatingPointError
        What `autoscore.samplers.chains.run` raises; the number of a chain is that in its part.
    """
    began = time.perf_counter()
    state, counted = kernel.init(np.array(start, dtype=float)), []
    if target_acceptance is not None:
        options = {"burn_in": burn_in, "target_acceptance": target_acceptance}
        before = run(kernel, state, 0, generators, **options)
        kernel, state, burn_in, counted = before.kernel, before.state, 0, [before]
    if processes == 1 or "fork" not in multiprocessing.get_all_start_methods():
        rest = run(kernel, state, draws, generators, burn_in=burn_in, thin=thin)
        return _summed([rest], counted, kernel, began)
    tasks = []
    for rows in np.array_split(np.arange(len(generators)), processes):
        streams = [generators[row] for row in rows]
        options = {"burn_in": burn_in, "thin": thin}
        tasks.append(_begin(kernel, _rows(state, rows), draws, streams, options))
    found = [_end(*task) for task in tasks]
    return _summed(found, counted, kernel, began)


def _summed(parts: list[Chains], before: list[Chains], kernel: Kernel, began: float) -> Chains:
    """Return the chains of all parts, in their order, with all that they cost."""
    counted = [*before, *parts]
    return Chains(
        np.concatenate([part.draws for part in parts]),
        np.concatenate([part.acceptance for part in parts]),
        sum(part.evaluations for part in counted),
        sum(part.jacobians for part in counted),
        time.perf_counter() - began,
        kernel,
        _joined([part.state for part in parts]),
    )


def _begin(
    kernel: Kernel, state: State, draws: int, streams: list, options: dict
) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    """Start a process that runs chains, and return it with where its answer will come."""
    here, there = multiprocessing.Pipe(duplex=False)

    def work() -> None:
        try:
            # the kernel stays behind: a compiled density is no data that could be sent
            there.send(replace(run(kernel, state, draws, streams, **options), kernel=None))
        except Exception as error:
            there.send(error)

    process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    process.start()
    there.close()
    return process, here


def _end(process: multiprocessing.process.BaseProcess, here: Connection) -> Chains:
    """Wait for the chains of a process, or raise its error."""
    answer = here.recv()
    process.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _rows(state: State, rows: np.ndarray) -> State:
    """Return the state of some chains."""
    parts = {part.name: getattr(state, part.name) for part in fields(state)}
    return type(state)(**{k: None if v is None else v[rows] for k, v in parts.items()})


def _joined(states: list[State]) -> State:
    """Return the state of all chains, in the order of the parts."""
    joined = {}
    for part in fields(states[0]):
        values = [getattr(state, part.name) for state in states]
        joined[part.name] = None if values[0] is None else np.concatenate(values)
    return type(states[0])(**joined)
