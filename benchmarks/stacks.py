"""A stack of the spiral's auto-encoders, as torch.func and as JAX would train it.

Both are what a reader would write today: `vmap` over members, Adam, and at every step new points
under independent noise. Networks, starting weights, schedule and precision are ours.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np
import torch

from autoscore.configuration import merge
from autoscore.models.conditioned.network import Conditioned
from autoscore.models.conditioned.training import untrained
from autoscore.models.separate.network import Separate
from autoscore.train.batches import SampleBatches
from autoscore.train.fit import Schedule, fit
from autoscore.train.setups import sample_batches
from autoscore.train.stack import Stack
from benchmarks.rows import Row, compared, timed
from benchmarks.spiral import Spiral
from benchmarks.timing import clock, interleaved
from benchmarks.training import start_separate, time_to

KINDS = {"separate": "samples", "conditioned": "conditioned"}  # and their schedules
SLICE = 50  # steps that JAX compiles at once
COMPARED = 200  # steps whose time is compared
SEEDS = 5  # of the stack whose step is timed
ROUNDS = 3  # one per seed, to equal error
LONG = {  # as long as a plain training needs
    "separate": {"steps": 3000, "learning_rate": 0.008, "batch": 256},
    "conditioned": {"steps": 3000, "learning_rate": 0.005, "batch": 384},
}
SHORTER = (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)  # of our own configured steps
FASTER = 0.01  # learning rate of the shorter ones


def run() -> Iterator[Row]:
    """Yield the time of a step of the same stack, and the times to equal error."""
    torch.set_num_threads(1)
    spiral = Spiral()
    for kind in KINDS:
        stack, batches = prepare(spiral, kind, list(range(SEEDS)))
        batches.averaged = False  # plain targets, like theirs
        tasks: dict[str, Callable[[], object]] = {"ours": lambda s=stack, b=batches: _ours(s, b)}
        for name, peer in PEERS.items():
            if find_spec(peer.needs) is not None:
                trained = peer(kind, stack, batches)
                tasks[name] = lambda trained=trained: trained.train(COMPARED)
        for what, tick in (("processor", clock), ("wall", perf_counter)):
            case = f"a stack of {kind} models, {what} time"
            yield from compared(
                case, "members", len(stack.seeds), f"{COMPARED} steps", interleaved(tasks, 5, tick)
            )
    yield from _to_equal_error(spiral)


def prepare(spiral: Spiral, kind: str, seeds: list[int]) -> tuple[Stack, SampleBatches]:
    """Return an untrained stack and the batches on which ours is trained."""
    settings = merge(spiral.settings, {"seeds": len(seeds)})
    data = spiral.data | {"train": spiral.data["train"][seeds]}
    streams = (seeds[0], "spiral", "dae", kind)
    if kind == "conditioned":
        stack, points = untrained(data, settings, streams)
        levels: np.ndarray | tuple[float, float] = (stack.low, stack.high)
    else:
        stack = start_separate(spiral, seeds[0], spiral.sigmas, len(seeds))
        points, levels = data["train"], stack.sigmas
    return stack, sample_batches(stack, points, settings, "dae", streams, levels)


def _ours(stack: Stack, batches: SampleBatches) -> None:
    kind = "conditioned" if isinstance(stack, Conditioned) else "separate"
    plan = Schedule(**LONG[kind] | {"steps": COMPARED, "checks": 1})
    fit(stack.take(list(range(len(stack.seeds)))), "dae", batches, plan)


def separate(xp: ModuleType, named: dict[str, Any], z: Any, sigma: Any, _: dict[str, Any]) -> Any:
    """Return one separate member's reconstruction, ``(n, d)``, with the functions of `xp`."""
    h = z
    for layer in range(sum(name.endswith("weight") for name in named) - 1):
        h = xp.tanh(h @ named[f"encoder.{layer}.weight"] + named[f"encoder.{layer}.bias"])
    return z + sigma[:, None] * (h @ named["decoder.weight"] + named["decoder.bias"])


def conditioned(
    xp: ModuleType, named: dict[str, Any], z: Any, sigma: Any, given: dict[str, Any]
) -> Any:
    """Return one conditioned member's reconstruction, ``(n, d)``, with the functions of `xp`."""

    def silu(h: Any) -> Any:
        return h / (1.0 + xp.exp(-h))

    level = sigma[:, None]
    unit = z / xp.sqrt(given["variances"] + level**2)
    place = 2.0 * xp.log(level / given["low"]) / given["range"] - 1.0
    angles = place * given["waves"]
    waves = xp.concatenate([place, xp.sin(angles), xp.cos(angles)], -1)
    turned = unit @ named["features.weight"]
    seen = xp.concatenate([unit, xp.sin(turned), xp.cos(turned)], -1)
    h = seen @ named["input.weight"] + named["input.bias"]
    for block in range(sum(name.endswith("level") for name in named)):
        part = {name: named[f"block.{block}.{name}"] for name in PARTS}
        inner = silu(h) @ part["first"] + part["first_bias"] + waves @ part["level"]
        h = h + silu(inner) @ part["second"] + part["second_bias"]
    out = silu(h) @ named["output.weight"] + named["output.bias"]
    return z + level**2 / xp.sqrt(level**2 + given["thickness"] ** 2) * out


PARTS = ("level", "first", "first_bias", "second", "second_bias")
FORWARD = {"separate": separate, "conditioned": conditioned}


class Peer(ABC):
    """Another library's training of all members of a stack at once."""

    needs: str  # the package without which it is left out

    def __init__(self, kind: str, stack: Stack, batches: SampleBatches) -> None:
        self.stack, self.plan = stack, LONG[kind]
        self.forward = FORWARD[kind]
        self.named = {name: part.numpy() for name, part in stack.views(stack.theta).items()}
        points = batches.points[stack.seeds - stack.seeds.min()] - stack.shift[:, None]
        self.points = (points / stack.scale[:, None, None]).astype(np.float32)
        ends = stack.sigmas[:, None] if kind == "separate" else [[stack.low, stack.high]]
        self.ends = np.log(np.asarray(ends) / stack.scale[:, None]).astype(np.float32)
        self.given = _constants(stack) if isinstance(stack, Conditioned) else {}

    def schedule(self, steps: int) -> np.ndarray:
        """Return the learning rate of each step."""
        plan = Schedule(**self.plan | {"steps": steps})
        return np.array([plan.rate(step) for step in range(steps)], dtype=np.float32)

    @abstractmethod
    def train(self, steps: int) -> Stack:
        """Return a trained copy of the stack."""

    def result(self, named: dict[str, torch.Tensor]) -> Stack:
        """Return a copy of the stack with these weights."""
        trained = self.stack.take(list(range(len(self.stack.seeds))))
        trained.theta = trained.pack(named)
        return trained


def _constants(stack: Conditioned) -> dict[str, np.ndarray]:
    """Return what a conditioned network knows of its data, by member."""
    m = len(stack.seeds)
    waves = np.pi / 2 * np.arange(1, stack.waves + 1)
    found = {
        "variances": (stack.spreads / stack.scale[:, None]) ** 2,
        "thickness": stack.thickness / stack.scale,
        "low": stack.low / stack.scale,
        "range": np.full(m, np.log(stack.high / stack.low)),
        "waves": np.tile(waves, (m, 1)),
    }
    return {name: values.astype(np.float32) for name, values in found.items()}


class TorchFunc(Peer):
    """`torch.func`: the gradient of one member's loss, mapped over all, and PyTorch's Adam."""

    needs = "torch"

    def train(self, steps: int) -> Stack:
        named = {name: torch.tensor(part, requires_grad=True) for name, part in self.named.items()}
        given = {name: torch.tensor(part) for name, part in self.given.items()}
        points, ends = torch.tensor(self.points), torch.tensor(self.ends)
        adam = torch.optim.Adam(named.values(), fused=True, eps=1e-12)
        m, n, dim = points.shape
        batch, members = self.plan["batch"], torch.arange(m)[:, None]

        def loss(named: dict, given: dict, clean: Any, noise: Any, sigma: Any) -> Any:
            noisy = clean + sigma[:, None] * noise
            error = self.forward(torch, named, noisy, sigma, given) - clean
            return ((error / sigma[:, None]) ** 2).sum(-1).mean()

        slopes = torch.func.vmap(torch.func.grad(loss))
        for rate in self.schedule(steps):
            adam.param_groups[0]["lr"] = float(rate)
            clean = points[members, torch.randint(n, (m, batch))]
            sigma = torch.exp(ends[:, :1].lerp(ends[:, -1:], torch.rand(m, batch)))
            noise = torch.randn(m, batch, dim)
            found = slopes(
                {k: part.detach() for k, part in named.items()}, given, clean, noise, sigma
            )
            for name, part in named.items():
                part.grad = found[name]
            adam.step()
        return self.result({name: part.detach() for name, part in named.items()})


class Jax(Peer):
    """JAX: the same with `vmap`, compiled with all the steps of a slice, and optax's Adam."""

    needs = "optax"

    def __init__(self, kind: str, stack: Stack, batches: SampleBatches) -> None:
        super().__init__(kind, stack, batches)
        import jax
        import jax.numpy as jnp
        import optax

        forward, points, ends = self.forward, jnp.asarray(self.points), jnp.asarray(self.ends)
        given, batch = self.given, self.plan["batch"]
        self._adam = adam = optax.scale_by_adam(eps=1e-12)
        m, n, dim = points.shape

        def loss(named: dict, given: dict, clean: Any, noise: Any, sigma: Any) -> Any:
            noisy = clean + sigma[:, None] * noise
            error = forward(jnp, named, noisy, sigma, given) - clean
            return ((error / sigma[:, None]) ** 2).sum(-1).mean()

        slopes = jax.vmap(jax.grad(loss))

        def step(carry: Any, rate: Any) -> tuple[Any, None]:
            named, moments, key = carry
            key, *keys = jax.random.split(key, 4)
            chosen = jax.random.randint(keys[0], (m, batch), 0, n)
            clean = jnp.take_along_axis(points, chosen[..., None], 1)
            place = jax.random.uniform(keys[1], (m, batch))
            sigma = jnp.exp(ends[:, :1] + (ends[:, -1:] - ends[:, :1]) * place)
            noise = jax.random.normal(keys[2], (m, batch, dim))
            change, moments = adam.update(slopes(named, given, clean, noise, sigma), moments)
            named = jax.tree.map(lambda part, by: part - rate * by, named, change)
            return (named, moments, key), None

        self._start = {name: jnp.asarray(part) for name, part in self.named.items()}
        self._key = jax.random.key(0)
        self._advance = jax.jit(lambda carry, rates: jax.lax.scan(step, carry, rates)[0])

    def train(self, steps: int) -> Stack:
        carry = (self._start, self._adam.init(self._start), self._key)
        for rates in np.split(self.schedule(steps), range(SLICE, steps, SLICE)):
            carry = self._advance(carry, rates)
        return self.result({k: torch.tensor(np.array(part)) for k, part in carry[0].items()})


PEERS: dict[str, type[Peer]] = {"torch.func": TorchFunc, "JAX, optax": Jax}


def _to_equal_error(spiral: Spiral) -> Iterator[Row]:
    """Yield the time of each peer's training, and ours to the same geometric mean over levels."""
    ours: dict[str, list[list[tuple[float, float]]]] = {kind: [] for kind in KINDS}
    theirs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for seed in range(ROUNDS):
        for kind in KINDS:
            ours[kind].append(sorted(_our_trainings(spiral, kind, seed)))
            stack, batches = prepare(spiral, kind, [seed])
            for name, peer in PEERS.items():
                if find_spec(peer.needs) is None:
                    continue
                training = peer(kind, stack, batches)
                training.train(SLICE)  # compiles
                start = clock()
                trained = training.train(LONG[kind]["steps"])
                seconds = clock() - start
                theirs.setdefault((name, kind), []).append((seconds, _error(spiral, trained)))
    for (name, kind), rounds in theirs.items():
        seconds, errors = np.array(rounds).T
        error = float(np.median(errors))
        for own, found in ours.items():
            needed = np.array([time_to(e, f) for e, f in zip(errors, found, strict=True)])
            case, over = f"spiral to equal error, stacks, {kind}", f"ours, {own}"
            reached = np.isfinite(needed)
            if reached.all():
                yield timed(case, "", np.nan, over, needed, "one seed", needed, over, error=error)
                yield timed(case, "", np.nan, name, seconds, "one seed", needed, over, error=error)
            else:
                over = f"{over}: in {reached.sum()} of {len(reached)} rounds"
                yield timed(case, "", np.nan, name, seconds, "one seed", over=over, error=error)


def _our_trainings(spiral: Spiral, kind: str, seed: int) -> Iterator[tuple[float, float]]:
    """Yield seconds and error of our own trainings of ever fewer steps, or noisy points."""
    configured = spiral.configured["schedules"][KINDS[kind]]
    for part in SHORTER:
        change = dict(configured)
        if kind == "conditioned":
            rate = configured["learning_rate"] if part == 1 else FASTER
            change |= {"steps": round(part * change["steps"]), "learning_rate": rate}
        else:
            change["batch"] = round(part * change["batch"])
        stack, seconds = spiral.train(kind, seed, spiral.configured, **change)
        yield seconds, _error(spiral, stack)


def _error(spiral: Spiral, stack: Separate | Conditioned) -> float:
    return float(np.exp(np.log(spiral.errors(stack, spiral.sigmas)).mean()))
