"""How time and memory of training grow, beside the least that the machine's rates allow."""

from collections.abc import Callable, Iterator
from math import prod

import numpy as np
import torch

from autoscore import shards
from autoscore.models.conditioned.training import train as train_conditioned
from autoscore.models.registry import MODELS
from autoscore.models.separate.network import Separate
from autoscore.models.separate.training import train_on_samples
from autoscore.train.batches import SampleBatches
from autoscore.train.fit import Schedule, _Adam, fit
from autoscore.train.objectives import OBJECTIVES
from autoscore.train.stack import Stack
from benchmarks.machine import Rates, rates
from benchmarks.rows import Row, compared, timed
from benchmarks.timing import interleaved, peak_memory
from run_autoscore import demands

STEPS = 10  # per timed call
ROUNDS = 3
BASE = {  # as on the spiral
    "separate": {"levels": 9, "seeds": 5, "units": 64, "batch": 256, "points": 10_000, "dim": 2},
    "conditioned": {"levels": 9, "seeds": 5, "units": 96, "batch": 768, "points": 10_000, "dim": 2},
}
GROWTH = {  # factors; one size is changed at a time
    "levels": (1 / 9, 1 / 3, 3),
    "seeds": (1 / 5, 3),
    "units": (1 / 4, 2, 4),
    "batch": (1 / 4, 4),
    "points": (1 / 10, 100),
    "dim": (5, 50),
}
SMALLEST = {"levels": 1, "seeds": 1, "units": 8, "batch": 2, "points": 100, "dim": 2}
LAYERS = {"separate": 3, "conditioned": 2}  # hidden layers, residual blocks
NUMBER = 4  # bytes


def run() -> Iterator[Row]:
    """Yield time, memory and their bounds by size, then the parts of a step."""
    torch.set_num_threads(1)
    machine = rates()
    for kind, base in BASE.items():
        # a conditioned model has one network for all levels
        growth = {n: f for n, f in GROWTH.items() if (kind, n) != ("conditioned", "levels")}
        for name, factors in growth.items():
            sizes = sorted({base[name], *(round(factor * base[name]) for factor in factors)})
            yield from _sweep(kind, name, sizes, machine)
    for kind, base in BASE.items():
        yield from compared("a step in parts, " + kind, "", np.nan, "step", _parts(kind, base))


def _sweep(kind: str, name: str, sizes: list[int], machine: Rates) -> Iterator[Row]:
    """Yield our time and memory, the least time, and the requested memory for each size."""
    case, unit = f"training, {kind}", f"{STEPS} steps"
    cases = {size: BASE[kind] | {name: size} for size in sizes}
    seconds = interleaved({at: _training(kind, size) for at, size in cases.items()}, ROUNDS)
    base = seconds[BASE[kind][name]]
    for at, size in cases.items():
        ours, memory = seconds[at], peak_memory(_train_once, kind, size).added
        yield timed(case, name, at, "ours", ours, unit, base, "base size", memory=memory)
        least = np.full(len(ours), STEPS * _least(kind, size, machine))
        yield timed(case, name, at, "machine's rates", least, unit, ours, "ours")
    for at in sorted({*sizes, 10 * BASE[kind][name], 1000 * BASE[kind][name]}):
        size = BASE[kind] | {name: at}
        settings = _settings(kind, size)
        foreseen = demands.training(settings, "dae", "samples", size["dim"], _members(settings))
        yield Row(case, name, at, "demands", memory=foreseen["mem_mb"] - demands.BASE)


def _settings(kind: str, size: dict[str, int]) -> dict:
    """Return such a training's settings, as a configuration has them."""
    schedule = {"steps": STEPS, "batch": size["batch"], "polish": 0, "checks": 1}
    sigmas = np.geomspace(0.01, 1.0, size["levels"]).tolist()
    return {
        "kind": kind,
        "sigmas": sigmas if kind == "separate" else [0.01, 1.0],
        "seeds": size["seeds"],
        "sizes": [size["points"]],
        "validation": 0,
        "noise": "sobol",
        "warm_start": False,
        "architecture": {"hidden": [size["units"]] * LAYERS["separate"], "residual": "sigma"},
        "network": {
            "width": size["units"],
            "blocks": LAYERS["conditioned"],
            "features": 64,
            "frequency": 2.0,
        },
        "schedules": {"samples": schedule, "conditioned": schedule},
    }


def _data(size: dict[str, int]) -> dict[str, np.ndarray]:
    """Return standard normal points, as `autoscore.data.draw_data` would."""
    shape = (size["seeds"], size["points"], size["dim"])
    nothing = np.empty((0, size["dim"]))
    train = np.random.default_rng(0).standard_normal(shape)
    return {"train": train, "validation": nothing, "held_out": nothing}


def _make(kind: str, size: dict[str, int], steps: int = 1) -> tuple[Stack, dict]:
    """Return a stack after so many steps, and its data."""
    settings, data = _settings(kind, size), _data(size)
    for schedule in settings["schedules"].values():
        schedule["steps"] = steps
    train = train_on_samples if kind == "separate" else train_conditioned
    return train(data, settings, "dae", (0, "normal", "dae", kind))[0], data


def _batches(stack: Stack, points: np.ndarray) -> SampleBatches:
    levels = stack.sigmas if isinstance(stack, Separate) else (stack.low, stack.high)
    generators = [np.random.default_rng(k) for k in range(len(points))]
    own = {"shift": stack.shift, "scale": stack.scale, "dtype": stack.theta.dtype}
    return SampleBatches(points, stack.sizes, stack.seeds, levels, generators, noise="sobol", **own)


def _training(kind: str, size: dict[str, int]) -> Callable[[], object]:
    stack, data = _make(kind, size)
    schedule = Schedule(steps=STEPS, batch=size["batch"], checks=1)
    source = _batches(stack, data["train"])
    return lambda: fit(stack, "dae", source, schedule)


def _train_once(kind: str | None, size: dict[str, int] | None) -> None:
    """Make and train a stack; None stands for both kinds and the smallest size."""
    torch.set_num_threads(1)
    for one in BASE if kind is None else (kind,):
        _make(one, size or SMALLEST, STEPS)


def _members(settings: dict) -> int:
    """Return how many auto-encoders are trained side by side."""
    return prod(shards.shape(settings, "samples"))


def _least(kind: str, size: dict[str, int], machine: Rates) -> float:
    """Return the seconds of a step if products, functions and traffic ran at the machine's rates.

    Each matrix takes a product and its two derivatives, each unit one tanh. Traffic counts what
    cannot be saved: weights, gradient and moments are read, all but the gradient written;
    activations are written, and read on the way back.
    """
    settings = _settings(kind, size)
    cost = MODELS[kind].cost(settings, "dae", "samples", size["dim"])
    m, weights = _members(settings), cost.weights
    units = size["batch"] * (cost.units - size["dim"])
    traffic = NUMBER * (7 * weights + 2 * units)
    return m * (
        6.0 * size["batch"] * weights / machine.products
        + units / machine.tanhs
        + traffic / machine.traffic
    )


def _parts(kind: str, size: dict[str, int]) -> dict[str, np.ndarray]:
    """Return the seconds of a step, and of each of its parts alone."""
    stack, data = _make(kind, size)
    source, n = _batches(stack, data["train"]), size["batch"]
    batch = source.draw(n)
    m, weights = len(stack.theta), stack.theta.clone().requires_grad_()
    adam, gradient = _Adam(stack.theta), torch.randn_like(stack.theta)
    shapes = [shape for shape in stack.shapes().values() if shape[0] > 1]  # not the biases

    def whole() -> None:
        drawn = source.draw(n)
        losses = OBJECTIVES["dae"](stack, weights, drawn)
        (slope,) = torch.autograd.grad(losses.sum(), weights)
        adam.step(weights.detach(), slope, 0.0)

    tasks = {
        "whole step": whole,
        "matrix products": _products(shapes, m, n),
        "non-linear functions, forward": _functions(stack, n),
        "Adam": lambda: adam.step(stack.theta, gradient, 0.0),
        "drawing points and noise": lambda: source.draw(n),
        "forward alone": lambda: OBJECTIVES["dae"](stack, stack.theta, batch),
    }
    return interleaved(tasks, rounds=15)


def _products(shapes: list[tuple[int, int]], m: int, n: int) -> Callable[[], None]:
    """Return a function that does each matrix's product and the two of its derivatives."""
    work = [(torch.randn(m, n, a), torch.randn(m, a, b), torch.randn(m, n, b)) for a, b in shapes]

    def multiply() -> None:
        for x, weight, out in work:
            torch.bmm(x, weight)
            torch.bmm(x.transpose(1, 2), out)
            torch.bmm(out, weight.transpose(1, 2))

    return multiply


def _functions(stack: Stack, n: int) -> Callable[[], None]:
    """Return a function that evaluates the units of a step."""
    if isinstance(stack, Separate):
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

    return evaluate
