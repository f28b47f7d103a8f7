"""Chains on the ninja star: all at once, one at a time, and blackjax's."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import numpy as np
import torch

from autoscore.densities.energies import EnergyDensity
from autoscore.fields import Field
from autoscore.models.separate.network import Architecture, Separate
from autoscore.numerics.streams import generator
from autoscore.samplers.langevin import AdjustedLangevin
from autoscore.samplers.targets import ExactTarget, PathTarget, Target
from benchmarks.processes import run_in_processes
from benchmarks.rows import Row, timed

STEP = 0.05
NODES = 3
CHAINS = (1, 10, 100, 1000, 10_000)
STEPS = {"exact": 400, "learned": 50}  # per timed call, by score
# beside compiled code: as long as the pipeline's chains, so that the tenth of a second for
# starting processes does not count
LONG = {100: 4000, 1000: 4000, 2000: 2000, 5000: 800, 10_000: 400}
CORES = 2  # for networks, blackjax and the rows that name processes; all others use one
ROUNDS = 5
TOGETHER = f"ours, {CORES} processes"
ENERGY = "(sqrt(x1**2 + x2**2) - 2)**2 + (x1**2 - x2**2)**2 + 0.5 * log(x1**2 + x2**2 + 1)"
WIDTH = (64, 64)


def run() -> Iterator[Row]:
    """Yield the time of adjusted Langevin by number of chains, ours and others'."""
    torch.set_num_threads(CORES)
    star = EnergyDensity(ENERGY, [[-4.5, 4.5], [-4.5, 4.5]])
    targets = {"exact": ExactTarget(star), "learned": PathTarget(_field(star), NODES)}
    for name, target in targets.items():
        loop = _rates(partial(_loop, target, STEPS[name]))
        for chains in CHAINS:
            ours = _rates(_batch(target, chains, STEPS[name]))
            yield _row(name, chains, "ours", ours, ours)
            yield _row(name, chains, "plain Python, one chain at a time", loop, ours)
    ours = {
        chains: _rates(_batch(targets["exact"], chains, steps, CORES))
        for chains, steps in LONG.items()
    }  # before JAX starts threads, which do not survive a fork
    for chains, rates in ours.items():
        yield _row("exact", chains, TOGETHER, rates, rates, TOGETHER)
    if find_spec("blackjax") is None:  # the project itself does not need it
        print("blackjax is not installed: pip install -r benchmarks/requirements.txt")
        return
    for precision in ("float64", "float32"):
        yield from _compare_blackjax(ours, precision)


def _row(
    field: str, chains: int, who: str, rates: np.ndarray, ours: np.ndarray, over: str = "ours"
) -> Row:
    case = f"adjusted Langevin, {field} score"
    return timed(case, "chains", chains, who, 1e6 / rates, "10^6 chain-steps", 1e6 / ours, over)


def _field(star: EnergyDensity) -> Field:
    """Return an auto-encoder as the pipeline trains them; its weights do not matter here."""
    points = star.sample(500, generator(0))
    members = ([0.1], [0], [500.0], [[0.0, 0.0]], [1.0])
    stack = Separate(2, Architecture(WIDTH, residual="sigma"), *members, "single")
    stack.initialise(points, [generator(1)])
    return stack.field(0.1, 0, 500)


def _rates(task: Callable[[], int]) -> np.ndarray:
    """Return chain-steps per second in each round, by wall clock, since threads may work."""
    task()
    rates = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        rates.append(task() / (time.perf_counter() - began))
    return np.array(rates)


def _batch(target: Target, chains: int, steps: int, processes: int = 1) -> Callable[[], int]:
    """Return a function that takes all steps of all chains, with streams already made."""
    start = generator(2).standard_normal((chains, 2))
    streams = [generator(3, chain) for chain in range(chains)]
    kernel = AdjustedLangevin(target, STEP)

    def all_steps() -> int:
        run_in_processes(kernel, start, 1, streams, processes, burn_in=steps - 1)
        return chains * steps

    return all_steps


def _loop(target: Target, steps: int) -> int:
    """Run one chain, one point at a time, as a script would, with as many evaluations per step."""
    rng = generator(4)
    x = rng.standard_normal((1, 2))
    known = target.evaluate(x, score=True)
    for _ in range(steps):
        noise = rng.standard_normal((1, 2))
        y = x + STEP * known.score + np.sqrt(2 * STEP) * noise
        difference, there = target.compare(x, known, y, score=True)
        back = x - y - STEP * there.score
        ratio = difference + 0.5 * (noise**2).sum() - (back**2).sum() / (4 * STEP)
        if np.log(rng.random()) < ratio[0]:
            x, known = y, there
    return steps


def _compare_blackjax(ours: dict[int, np.ndarray], precision: str) -> Iterator[Row]:
    """Yield the times of blackjax's MALA, vectorised over chains and compiled."""
    import blackjax  # only now: importing JAX starts threads
    import jax

    jax.config.update("jax_enable_x64", precision == "float64")
    from jax import numpy as jnp

    def log_prob(x: "jax.Array") -> "jax.Array":
        square = x[0] ** 2 + x[1] ** 2
        energy = (jnp.sqrt(square) - 2) ** 2 + (x[0] ** 2 - x[1] ** 2) ** 2
        return -energy - 0.5 * jnp.log(square + 1)

    mala = blackjax.mala(log_prob, STEP)

    def all_steps(key: "jax.Array", start: "jax.Array", steps: int) -> "jax.Array":
        def one(state: object, key: "jax.Array") -> tuple:
            keys = jax.random.split(key, start.shape[0])
            state, _ = jax.vmap(mala.step)(keys, state)
            return state, None

        keys = jax.random.split(key, steps)
        return jax.lax.scan(one, jax.vmap(mala.init)(start), keys)[0].position

    compiled = jax.jit(all_steps, static_argnums=2)
    for chains, steps in LONG.items():
        start = jnp.asarray(generator(2).standard_normal((chains, 2)), dtype=precision)

        def theirs(start: "jax.Array" = start, steps: int = steps) -> int:
            compiled(jax.random.key(0), start, steps).block_until_ready()
            return len(start) * steps

        yield _row(
            "exact", chains, f"blackjax, {precision}", _rates(theirs), ours[chains], TOGETHER
        )
