"""How the cost of training grows, and how much of it the machine's own rates explain."""

import multiprocessing
import re
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from autoscore.autoencoders.ensemble import Ensemble
from autoscore.autoencoders.stack import Stack
from autoscore.batches import SampleBatches
from autoscore.experiments import train_conditioned, train_sample_ensemble
from autoscore.objectives import OBJECTIVES
from autoscore.training import Schedule, _Adam, fit
from benchmarks.timing import clock, interleaved, line

STEPS = 10  # that are timed at once
ROUNDS = 3
BASE = {  # as the spiral is trained
    "ensemble": {"levels": 9, "seeds": 5, "units": 64, "batch": 192, "n": 10_000},
    "conditioned": {"levels": 9, "seeds": 5, "units": 96, "batch": 768, "n": 10_000},
}
GROWTH = {  # factors; one size is changed at a time
    "levels": (1 / 9, 1 / 3, 3),
    "seeds": (1 / 5, 3),
    "units": (1 / 2, 2, 4),
    "batch": (1 / 4, 4),
    "n": (1 / 10, 100),
}
LAYERS = {"ensemble": 3, "conditioned": 2}  # hidden layers, residual blocks


def run() -> None:
    """Print seconds and memory against size, then the parts of a step."""
    torch.set_num_threads(1)
    for kind, base in BASE.items():
        cases = {"as it is": base} | {
            f"{name} {round(factor * base[name]):,}": base | {name: round(factor * base[name])}
            for name, factors in GROWTH.items()
            for factor in factors
        }
        # a process each, since the peak of one never falls; they are slow to start
        largest = [base, *(base | {key: round(f[-1] * base[key])} for key, f in GROWTH.items())]
        peaks = {title: _peak(kind, size) for title, size in cases.items() if size in largest}
        sizes = ", ".join(f"{value:,} {name}" for name, value in base.items())
        print(f"{STEPS} steps, {kind}: {sizes}, but for what is named; memory that training adds")
        tasks = {title: _training(kind, size) for title, size in cases.items()}
        seconds = interleaved(tasks, ROUNDS)
        for title, values in seconds.items():
            peak = f"   {peaks[title]:7.0f} MiB" if title in peaks else ""
            print(line(title, values, seconds["as it is"]) + peak)
    for kind, base in BASE.items():
        _explain(kind, base)


def _make(kind: str, size: dict[str, int]) -> tuple[Stack, Callable[[], SampleBatches]]:
    """Return a stack and what makes its minibatches, of standard normal points in the plane."""
    points = np.random.default_rng(0).standard_normal((size["seeds"], size["n"], 2))
    nothing = np.empty((0, 2))
    data = {"train": points, "validation": nothing, "held_out": nothing}
    sigmas = np.geomspace(0.01, 1.0, size["levels"])
    schedule = {"steps": 1, "batch": 2}
    settings = {
        "sigmas": sigmas.tolist() if kind == "ensemble" else [0.01, 1.0],
        "seeds": size["seeds"],
        "sizes": [size["n"]],
        "noise": "paired",
        "warm_start": False,
        "architecture": {"hidden": [size["units"]] * LAYERS["ensemble"], "residual": "sigma"},
        "network": {
            "width": size["units"],
            "blocks": LAYERS["conditioned"],
            "features": 64,
            "frequency": 2.0,
        },
        "schedules": {"samples": schedule, "conditioned": schedule},
    }
    train = train_sample_ensemble if kind == "ensemble" else train_conditioned
    stack, _ = train(data, settings, "dae", (0, "normal", "dae", kind))
    levels = stack.sigmas if isinstance(stack, Ensemble) else (stack.low, stack.high)

    def batches() -> SampleBatches:
        generators = [np.random.default_rng(k) for k in range(size["seeds"])]
        dtype = stack.theta.dtype
        return SampleBatches(
            points, stack.sizes, stack.seeds, levels, generators, noise="paired", dtype=dtype
        )

    return stack, batches


def _training(kind: str, size: dict[str, int]) -> Callable[[], object]:
    stack, batches = _make(kind, size)
    schedule = Schedule(steps=STEPS, batch=size["batch"], checks=1)
    source = batches()
    return lambda: fit(stack, "dae", source, schedule)


def _peak(kind: str, size: dict[str, int]) -> float:
    """Return the MiB that a process grows by when it makes and trains a stack."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_growth, (kind, size))


def _growth(kind: str, size: dict[str, int]) -> float:
    torch.set_num_threads(1)
    _training(
        kind, size | {"levels": 1, "seeds": 1, "units": 8, "batch": 2, "n": 100}
    )()  # what PyTorch itself takes
    before = _high_water()
    _training(kind, size)()
    return _high_water() - before


def _high_water() -> float:
    """Return the most memory, MiB, that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux counts the parent's memory in ru_maxrss
        return int(re.search(r"VmHWM:\s*(\d+)", status.read_text()).group(1)) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _explain(kind: str, size: dict[str, int]) -> None:
    """Print how long the parts of a step take when each is done alone."""
    stack, batches = _make(kind, size)
    source, n = batches(), size["batch"]
    batch = source.draw(n)
    m, weights = len(stack.theta), stack.theta.clone().requires_grad_()
    adam, gradient = _Adam(stack.theta), torch.randn_like(stack.theta)
    matrices = [
        shape for name, shape in stack.shapes().items() if shape[0] > 1 or name.endswith("weight")
    ]
    products, flops = _products(matrices, m, n)
    elementwise, elements = _functions(stack, n)

    def whole() -> None:
        drawn = source.draw(n)
        losses = OBJECTIVES["dae"](stack, weights, drawn)
        (slope,) = torch.autograd.grad(losses.sum(), weights)
        adam.step(weights.detach(), slope, 0.0)

    tasks = {
        "a whole step": whole,
        "matrix products": products,
        "non-linear functions, forward": elementwise,
        "Adam": lambda: adam.step(stack.theta, gradient, 0.0),
        "drawing points and noise": lambda: source.draw(n),
        "forward alone": lambda: OBJECTIVES["dae"](stack, stack.theta, batch),
    }
    seconds = interleaved(tasks, rounds=15)
    print(f"The parts of a step, {kind}: {m} networks, {stack.theta.numel():,} weights, {n} points")
    for name, values in seconds.items():
        print(line(name, values, seconds["a whole step"]))
    explained = sum(v for k, v in seconds.items() if k not in ("a whole step", "forward alone"))
    print(line("products, functions, Adam, drawing", explained, seconds["a whole step"]))
    rate = flops / np.median(seconds["matrix products"]) / 1e9
    each = np.median(seconds["non-linear functions, forward"]) / elements * 1e9
    print(f"{'rates':<34} {rate:10.1f} GFLOP/s at these shapes, {each:.2f} ns a unit")
    print(f"{'rates of the machine':<34} {_peak_flops():10.1f} GFLOP/s at 1024 x 1024")


def _products(matrices: list[tuple[int, ...]], m: int, n: int) -> tuple[Callable[[], None], float]:
    """Return what does the matrix products of a step, and how many operations they are.

    For each matrix: its product with the points, and the two that differentiate it.
    """
    work = [(torch.randn(m, n, a), torch.randn(m, a, b), torch.randn(m, n, b)) for a, b in matrices]

    def multiply() -> None:
        for x, weight, out in work:
            torch.bmm(x, weight)
            torch.bmm(x.transpose(1, 2), out)
            torch.bmm(out, weight.transpose(1, 2))

    return multiply, sum(6.0 * m * n * a * b for a, b in matrices)


def _functions(stack: Stack, n: int) -> tuple[Callable[[], None], int]:
    """Return what evaluates the units of a step, and how many they are."""
    if isinstance(stack, Ensemble):
        shapes = [(len(stack.theta), n, units) for units in stack.architecture.hidden]
        work = [(torch.tanh, torch.randn(shape)) for shape in shapes]
    else:
        units = torch.randn(len(stack.theta), n, stack.width)
        angles = torch.randn(len(stack.theta), n, stack.features)
        work = [(torch.nn.functional.silu, units)] * (2 * stack.blocks + 1)
        work += [(torch.sin, angles), (torch.cos, angles)]

    def evaluate() -> None:
        for function, x in work:
            function(x)

    return evaluate, sum(x.numel() for _, x in work)


def _peak_flops(side: int = 1024, rounds: int = 5) -> float:
    """Return the best GFLOP/s of a large matrix product in single precision."""
    a = torch.randn(side, side)
    best = np.inf
    for _ in range(rounds):
        start = clock()
        a @ a
        best = min(best, clock() - start)
    return 2.0 * side**3 / best / 1e9
