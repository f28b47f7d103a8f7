"""The whole noise grid of the spiral, to equal error: ours against a loop of plain PyTorch."""

import math
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np
import torch

from autoscore.models.separate.network import Separate
from autoscore.numerics.streams import generator
from autoscore.train.batches import SampleBatches
from autoscore.train.fit import Schedule, fit
from benchmarks.rows import Row, compared, timed
from benchmarks.spiral import Spiral
from benchmarks.timing import clock, interleaved

PLAIN, ENERGY = "plain PyTorch, in a loop", "torchebm, in a loop"
ROUNDS = 3  # one per seed
FRACTIONS = {  # of the configured number of steps
    PLAIN: (1 / 2,),
    ENERGY: (1 / 2,),
    "separate": (1, 1 / 2, 1 / 4),
    "conditioned": (1 / 4, 1 / 8, 1 / 16, 1 / 32),
}
EVERY = 4  # a loop trains every fourth level; its time is scaled to all of them
RATE = {"separate": 0.01, "conditioned": 0.01}  # short schedules tolerate a high learning rate
SLICE = 20  # steps where only their time matters
STACKED = ((3, 1), (9, 1), (9, 5), (27, 5))  # levels, seeds
Found = dict[tuple[str, int], list[tuple[float, np.ndarray]]]  # seconds, errors; one per round


def run() -> Iterator[Row]:
    """Yield the time of a step, times and errors of schedules, and times to equal error."""
    torch.set_num_threads(1)
    spiral = Spiral()
    sigmas = spiral.sigmas[::EVERY]
    yield from _compare_steps(spiral)
    found: Found = {}
    for seed in range(ROUNDS):
        for way, fractions in FRACTIONS.items():
            if way == ENERGY and find_spec("torchebm") is None:
                continue
            for fraction in fractions:
                steps, train = _plan(spiral, way, fraction, sigmas)
                found.setdefault((way, steps), []).append(train(seed))
    for (way, steps), rounds in sorted(found.items()):
        seconds = np.array([second for second, _ in rounds])
        error = float(np.median([errors.mean() for _, errors in rounds]))
        who = way if way in OTHERS else f"ours, {way}"
        yield timed("spiral, all levels", "steps", steps, who, seconds, "one seed", error=error)
    for way in OTHERS:
        for ours in ("separate", "conditioned"):
            yield from _compare_times(sigmas, found, way, ours)


def _plan(
    spiral: Spiral, way: str, fraction: float, sigmas: np.ndarray
) -> tuple[int, Callable[[int], tuple[float, np.ndarray]]]:
    """Return a number of steps, and a function that trains one seed: its seconds and errors."""
    kind = "conditioned" if way == "conditioned" else "samples"
    steps = round(fraction * spiral.settings["schedules"][kind]["steps"])

    def train_library(seed: int) -> tuple[float, np.ndarray]:
        stack, seconds = spiral.train(way, seed, {}, steps=steps, learning_rate=RATE[way])
        return seconds, spiral.errors(stack, sigmas)

    def train_other(seed: int) -> tuple[float, np.ndarray]:
        stack = start_separate(spiral, seed, spiral.sigmas, seeds=1)
        seconds, errors = 0.0, []
        for sigma in sigmas:
            plain = OTHERS[way](spiral, stack, stack.member(sigma, 0, stack.sizes[0]), seed)
            start = clock()
            plain.train(steps)
            seconds += clock() - start
            errors.append(spiral.error(plain.reconstruct(spiral.reference(sigma).x), sigma))
        return seconds * len(spiral.sigmas) / len(sigmas), np.array(errors)

    return steps, train_other if way in OTHERS else train_library


class Plain:
    """One auto-encoder for one level and seed, as written with PyTorch alone.

    Network, starting weights, loss, batch and schedule are those of the separate model.

    Parameters
    ----------
    spiral
        Data and settings.
    stack, member
        Where its starting weights come from.
    seed
        Which data it trains on.
    """

    def __init__(self, spiral: Spiral, stack: Separate, member: int, seed: int) -> None:
        self._sigma = float(stack.sigmas[member])
        self._clean = torch.as_tensor(spiral.data["train"][seed], dtype=torch.float32)
        mean, spread = spiral.scale
        self._shift = torch.as_tensor(mean, dtype=torch.float32)
        self._scale = math.hypot(spread, self._sigma)
        self._plan = spiral.settings["schedules"]["samples"]
        named = stack.views(stack.theta)
        layers: list[torch.nn.Module] = []
        names = [f"encoder.{k}" for k in range(len(stack.architecture.hidden))] + ["decoder"]
        for name in names:
            weight, bias = (named[f"{name}.{part}"][member] for part in ("weight", "bias"))
            linear = torch.nn.Linear(*weight.shape)
            linear.weight.data, linear.bias.data = weight.T.contiguous(), bias[0].clone()
            layers += [linear, torch.nn.Tanh()]
        self._net = torch.nn.Sequential(*layers[:-1])

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self._sigma * self._net((x - self._shift) / self._scale)

    def _loss(self, clean: torch.Tensor) -> torch.Tensor:
        noisy = clean + self._sigma * torch.randn_like(clean)
        return ((self._forward(noisy) - clean) ** 2).sum(1).mean() / self._sigma**2

    def train(self, steps: int) -> None:
        """Take Adam steps with fresh noise."""
        plan = Schedule(**self._plan | {"steps": steps})
        adam = torch.optim.Adam(self._net.parameters(), lr=1.0)
        decay = torch.optim.lr_scheduler.LambdaLR(adam, plan.rate)
        for _ in range(steps):
            clean = self._clean[torch.randint(len(self._clean), (plan.batch,))]
            loss = self._loss(clean)
            adam.zero_grad()
            loss.backward()
            adam.step()
            decay.step()

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """Return r at points of shape ``(n, d)``."""
        found = self._forward(torch.as_tensor(x, dtype=torch.float32))
        return found.detach().double().numpy()


class EnergyBased(Plain):
    """The same with torchebm, whose denoising score matching learns an energy.

    The network has the same hidden layers and scale, and one output, whose gradient is the score:
    a step differentiates twice.
    """

    def __init__(self, spiral: Spiral, stack: Separate, member: int, seed: int) -> None:
        super().__init__(spiral, stack, member, seed)
        from torchebm.core import BaseModel
        from torchebm.losses import DenoisingScoreMatching

        shift, scale, sigma = self._shift, self._scale, self._sigma
        hidden = self._net[:-1]

        class Energy(BaseModel):
            def __init__(self) -> None:
                super().__init__()
                self.net = torch.nn.Sequential(*hidden, torch.nn.Linear(hidden[-2].out_features, 1))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.net((x - shift) / scale)[:, 0] * scale / sigma

        self._net = Energy()
        self._matching = DenoisingScoreMatching(self._net, noise_scale=sigma)

    def _loss(self, clean: torch.Tensor) -> torch.Tensor:
        return self._matching(clean)

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.requires_grad_()
        (slope,) = torch.autograd.grad(self._net(x).sum(), x)
        return x - self._sigma**2 * slope


OTHERS = {PLAIN: Plain, ENERGY: EnergyBased}


def start_separate(spiral: Spiral, seed: int, sigmas: np.ndarray, seeds: int) -> Separate:
    """Return an untrained separate model for these levels and so many seeds."""
    mean, spread = spiral.scale
    m = len(sigmas) * seeds
    each = np.repeat(sigmas, seeds)
    stack = Separate(
        len(mean),
        spiral.settings["architecture"],
        each.tolist(),
        np.tile(np.arange(seeds), len(sigmas)).tolist(),
        [float(spiral.settings["sizes"][0])] * m,
        [mean.tolist()] * m,
        np.hypot(spread, each).tolist(),
        precision="single",
    )
    stack.initialise(spiral.data["train"][seed], [generator(seed, "start")] * m)
    return stack


def _compare_steps(spiral: Spiral) -> Iterator[Row]:
    """Yield the gain of stacking alone: same networks, same number of steps."""
    plan = Schedule(**spiral.settings["schedules"]["samples"] | {"steps": SLICE, "checks": 1})
    for levels, seeds in STACKED:
        stack = start_separate(spiral, 0, np.geomspace(*spiral.sigmas[[0, -1]], levels), seeds)
        points = spiral.data["train"][:seeds]

        def together(stack: Separate = stack, points: np.ndarray = points) -> None:
            batches = SampleBatches(
                points,
                stack.sizes,
                stack.seeds,
                stack.sigmas,
                [generator(k, "batches") for k in range(len(points))],
                noise="sobol",
                shift=stack.shift,
                scale=stack.scale,
                dtype=stack.dtype,
            )
            fit(stack.take(list(range(len(stack.seeds)))), "dae", batches, plan)

        def one_by_one(stack: Separate = stack) -> None:
            for member, seed in enumerate(stack.seeds):
                Plain(spiral, stack, member, seed).train(SLICE)

        seconds = interleaved({"ours": together, PLAIN: one_by_one}, rounds=3)
        case, unit = "the same steps, stacked or not", f"{SLICE} steps"
        yield from compared(case, "levels x seeds", levels * seeds, unit, seconds)


def _compare_times(sigmas: np.ndarray, found: Found, way: str, kind: str) -> Iterator[Row]:
    """Yield our time to another's error: at single levels, and averaged over levels.

    Between schedules of different lengths the time is interpolated, in logarithms.
    """
    other = next((rounds for (name, _), rounds in found.items() if name == way), [])
    ours = [rounds for (name, _), rounds in sorted(found.items()) if name == kind]
    theirs = np.array([seconds for seconds, _ in other])
    means = {f"sigma {sigma:g}": lambda errors, k=k: errors[k] for k, sigma in enumerate(sigmas)}
    means |= {"mean": np.mean, "geometric mean": lambda errors: np.exp(np.log(errors).mean())}
    times = {
        title: np.array(
            [
                time_to(mean(target), [(s, mean(errors)) for s, errors in (o[k] for o in ours)])
                for k, (_, target) in enumerate(other)
            ]
        )
        for title, mean in means.items()
    }
    for title, seconds in times.items():
        case, over = f"spiral to equal error, {title}", f"ours, {kind}"
        error = float(np.median([means[title](errors) for _, errors in other])) if other else np.nan
        if other and np.isfinite(seconds).all():
            yield timed(case, "", np.nan, over, seconds, "one seed", seconds, over, error=error)
            yield timed(case, "", np.nan, way, theirs, "one seed", seconds, over, error=error)
        elif other:
            reached = f"{over}: in {np.isfinite(seconds).sum()} of {len(seconds)} rounds"
            yield timed(case, "", np.nan, way, theirs, "one seed", over=reached, error=error)


def time_to(target: float, schedules: list[tuple[float, float]]) -> float:
    """Interpolate the seconds to an error from those of ever longer schedules."""
    seconds, errors = np.log(schedules).T
    errors = np.minimum.accumulate(errors)
    if errors[-1] > np.log(target):
        return np.nan
    return float(np.exp(np.interp(-np.log(target), -errors, seconds)))
