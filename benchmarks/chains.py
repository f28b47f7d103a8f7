"""Unadjusted Langevin beside torchebm's; adjusted by dimension; and the memory of chains."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import numpy as np
import torch

from autoscore.densities.energies import EnergyDensity
from autoscore.densities.registry import make_density
from autoscore.models.separate.network import Architecture, Separate
from autoscore.numerics.streams import generator
from autoscore.samplers.chains import Generators
from autoscore.samplers.chains import run as run_chains
from autoscore.samplers.langevin import AdjustedLangevin, Langevin
from autoscore.samplers.streams import Streams
from autoscore.samplers.targets import ExactTarget, PathTarget, Target
from benchmarks.rows import Row, compared, timed
from benchmarks.sampling import CORES, ENERGY, NODES
from benchmarks.timing import interleaved, peak_memory
from run_autoscore import demands

STEP = 0.01  # the authors' own
CHAINS = (100, 1000, 10_000, 100_000)
STEPS = {100: 400, 1000: 400, 10_000: 100, 100_000: 20}  # per timed call
MIXED = 1000  # steps before the mean energy is taken
ROUNDS = 3
DIMENSIONS = (2, 10, 100)
MANY, FEW = 1000, 20  # chains and steps, by dimension
WIDTH = (128, 128)
BASE = {"chains": 10_000, "draws": 20, "dim": 2}
STORED = {"chains": (1_000, 10_000, 100_000), "draws": (20, 200), "dim": (2, 100)}


def run() -> Iterator[Row]:
    """Yield times by number of chains and by dimension, then the memory of stored draws."""
    star = EnergyDensity(ENERGY, [[-4.5, 4.5], [-4.5, 4.5]])
    torch.set_num_threads(CORES)
    yield from _by_number(star)
    torch.set_num_threads(1)
    yield from _by_dimension()
    case = "chains that are kept"
    for varied, sizes in STORED.items():
        for size in sizes:
            memory = peak_memory(keep_chains, *(BASE | {varied: size}).values()).added
            yield Row(case, varied, size, "ours", memory=memory)
        for size in sorted({*sizes, 10 * BASE[varied], 1000 * BASE[varied]}):
            yield Row(case, varied, size, "demands", memory=foreseen(**BASE | {varied: size}))


def foreseen(chains: int, draws: int, dim: int) -> float:
    """Return the MiB that such chains request on a cluster, without the libraries' share."""
    plan = plan_of(chains, draws)
    return demands.sampling({"this": plan}, dim)["mem_mb"] - demands.BASE


def _by_number(star: EnergyDensity) -> Iterator[Row]:
    kernel = Langevin(ExactTarget(star), STEP)
    theirs = find_spec("torchebm") is not None
    if not theirs:
        print("torchebm is not installed: pip install -r benchmarks/requirements.txt")
    for chains in CHAINS:
        start = generator(2).standard_normal((chains, 2))
        streams = [generator(3, chain) for chain in range(chains)]
        steps = STEPS[chains]

        def ours(
            streams: Generators, steps: int, start: np.ndarray = start, compiled: bool = False
        ) -> np.ndarray:
            options = {"burn_in": steps - 1, "compiled": compiled, "threads": CORES}
            return run_chains(kernel, start, 1, streams, **options).state.x

        ways: dict[str, Callable[[int], np.ndarray]] = {
            f"ours, compiled, {CORES} threads": partial(ours, Streams.of(streams), compiled=True),
            "ours": partial(ours, streams),
        }
        if theirs:
            ways |= {
                f"torchebm, {name}": _torchebm(start, getattr(torch, name))
                for name in ("float64", "float32")
            }
        tasks = {who: lambda way=way, steps=steps: way(steps) for who, way in ways.items()}
        seconds = {
            who: values / (chains * steps) * 1e6
            for who, values in interleaved(tasks, ROUNDS, time.perf_counter).items()
        }
        case = "unadjusted Langevin, exact score"
        yield from compared(case, "chains", chains, "10^6 chain-steps", seconds)
        if chains == 10_000:
            yield from _energies(star, ways)


def _energies(star: EnergyDensity, ways: dict[str, Callable[[int], np.ndarray]]) -> Iterator[Row]:
    """Yield the bias of each mean energy; it depends on the step alone."""
    truth = -star.log_prob(star.sample(1_000_000, generator(5))).mean()
    for who, way in ways.items():
        energy = -star.log_prob(way(MIXED)).mean()
        yield Row("unadjusted Langevin, mean energy", "", np.nan, who, error=energy - truth)


def _torchebm(start: np.ndarray, dtype: torch.dtype) -> Callable[[int], np.ndarray]:
    """Return a function of the number of steps that runs torchebm's Langevin dynamics."""
    from torchebm.core import BaseModel
    from torchebm.samplers import LangevinDynamics

    class Star(BaseModel):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            first, second = x[:, 0] ** 2, x[:, 1] ** 2
            square = first + second
            return (square.sqrt() - 2) ** 2 + (first - second) ** 2 + 0.5 * (square + 1).log()

    sampler = LangevinDynamics(Star(dtype=dtype), step_size=STEP, dtype=dtype)
    begin = torch.as_tensor(start, dtype=dtype)
    return lambda steps: sampler.sample(x=begin.clone(), n_steps=steps).double().numpy()


def _by_dimension() -> Iterator[Row]:
    """Yield the time of adjusted Langevin on Gaussians along a curve, exact and learned score."""
    tasks: dict[tuple[str, int], Callable[[], object]] = {}
    streams = [generator(3, chain) for chain in range(MANY)]
    for dim in DIMENSIONS:
        density = make_density({"kind": "curve_mixture", "dimension": dim})
        points = density.sample(MANY, generator(0))
        for score, target in {
            "exact": ExactTarget(density),
            "learned": PathTarget(_untrained(points).field(0.1, 0, MANY), NODES),
        }.items():

            def all_steps(target: Target = target, points: np.ndarray = points) -> None:
                run_chains(AdjustedLangevin(target, 1e-4), points, 1, streams, burn_in=FEW - 1)

            tasks[score, dim] = all_steps
    for (score, dim), seconds in (found := interleaved(tasks, ROUNDS)).items():
        each, base = (s / (MANY * FEW) * 1e6 for s in (seconds, found[score, DIMENSIONS[0]]))
        case, over = f"adjusted Langevin, curve mixture, {score} score", "2 dimensions"
        yield timed(case, "dim", dim, "ours", each, "10^6 chain-steps", base, over)


def _untrained(points: np.ndarray) -> Separate:
    """Return an untrained auto-encoder for points ``(n, d)``; its weights do not matter here."""
    n, d = points.shape
    stack = Separate(
        d,
        Architecture(WIDTH, residual="sigma"),
        [0.1],
        [0],
        [float(n)],
        [[0.0] * d],
        [1.0],
        "single",
    )
    stack.initialise(points, [generator(1)])
    return stack


class Normal:
    """The standard normal density's score, which is all that Langevin needs."""

    def score(self, x: np.ndarray) -> np.ndarray:
        """Return -x."""
        return -x


def keep_chains(chains: int | None, draws: int | None, dim: int | None) -> None:
    """Run chains and keep their draws; None stands for 1."""
    chains, draws, dim = chains or 1, draws or 1, dim or 1
    streams = [generator(3, chain) for chain in range(chains)]
    kernel = Langevin(PathTarget(Normal(), 1), STEP)
    run_chains(kernel, np.zeros((chains, dim)), draws, streams)


def plan_of(chains: int, draws: int) -> dict:
    """Return such chains' plan, as a configuration has it."""
    return {
        "fields": ["exact"],
        "samplers": ["langevin"],
        "models": [],
        "sigmas": [0.1],
        "repeats": 1,
        "steps": STEP,
        "chains": chains,
        "draws": draws,
        "thin": 1,
        "burn_in": 0,
    }
