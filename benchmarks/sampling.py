"""Chains on the ninja star: all at once, one at a time, compiled, and blackjax's."""

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
from autoscore.samplers.chains import Generators
from autoscore.samplers.chains import run as run_chains
from autoscore.samplers.langevin import AdjustedLangevin
from autoscore.samplers.streams import Streams
from autoscore.samplers.targets import ExactTarget, PathTarget, Target
from benchmarks.rows import Row, compared, timed
from benchmarks.timing import interleaved

STEP = 0.05
NODES = 3
CHAINS = (1, 10, 100, 1000, 10_000)
STEPS = {"exact": 400, "learned": 50}  # per timed call, by score
LONG = {100: 40_000, 1000: 4000, 10_000: 400, 100_000: 200}  # by chains, beside compiled code
CORES = 2  # for networks and compiled chains, ours and blackjax's; all others use one
ROUNDS = 5
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
    yield from _compiled(star)


def _row(field: str, chains: int, who: str, rates: np.ndarray, ours: np.ndarray) -> Row:
    case = f"adjusted Langevin, {field} score"
    return timed(case, "chains", chains, who, 1e6 / rates, "10^6 chain-steps", 1e6 / ours, "ours")


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


def _batch(target: Target, chains: int, steps: int, *, compiled: bool = False) -> Callable[[], int]:
    """Return a function that takes all steps of all chains, with streams already made."""
    start = generator(2).standard_normal((chains, 2))
    streams: Generators = [generator(3, chain) for chain in range(chains)]
    streams = Streams.of(streams) if compiled else streams
    kernel = AdjustedLangevin(target, STEP)

    def all_steps() -> int:
        options = {"compiled": compiled, "threads": CORES}
        run_chains(kernel, start, 1, streams, burn_in=steps - 1, **options)
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


def _compiled(star: EnergyDensity) -> Iterator[Row]:
    """Yield the times of compiled chains, ours and blackjax's."""
    theirs = find_spec("blackjax") is not None  # the project itself does not need it
    if not theirs:
        print("blackjax is not installed: pip install -r benchmarks/requirements.txt")
    for chains, steps in LONG.items():
        ours = f"ours, compiled, {CORES} threads"
        tasks = {ours: _batch(ExactTarget(star), chains, steps, compiled=True)}
        if theirs:
            tasks |= {
                f"blackjax, {precision}": _blackjax(chains, steps, precision)
                for precision in ("float64", "float32")
            }
        seconds = interleaved(tasks, ROUNDS, time.perf_counter)
        each = {who: values / (chains * steps) * 1e6 for who, values in seconds.items()}
        case = "adjusted Langevin, exact score"
        yield from compared(case, "chains", chains, "10^6 chain-steps", each)


def _blackjax(chains: int, steps: int, precision: str) -> Callable[[], int]:
    """Return a function that does the same with blackjax, vectorised over chains and compiled."""
    import blackjax
    import jax
    from jax import numpy as jnp

    def log_prob(x: "jax.Array") -> "jax.Array":
        square = x[0] ** 2 + x[1] ** 2
        energy = (jnp.sqrt(square) - 2) ** 2 + (x[0] ** 2 - x[1] ** 2) ** 2
        return -energy - 0.5 * jnp.log(square + 1)

    mala = blackjax.mala(log_prob, STEP)

    @jax.jit
    def compiled(key: "jax.Array", start: "jax.Array") -> "jax.Array":
        def one(state: object, key: "jax.Array") -> tuple:
            keys = jax.random.split(key, chains)
            state, _ = jax.vmap(mala.step)(keys, state)
            return state, None

        keys = jax.random.split(key, steps)
        return jax.lax.scan(one, jax.vmap(mala.init)(start), keys)[0].position

    start = generator(2).standard_normal((chains, 2)).astype(precision)

    def all_steps() -> int:
        with jax.enable_x64(precision == "float64"):
            compiled(jax.random.key(0), start).block_until_ready()
        return chains * steps

    return all_steps
