"""The whole noise grid of the spiral, to equal error: ours against a loop of plain PyTorch."""

import math
from collections.abc import Callable

import numpy as np
import torch

from autoscore.autoencoders.ensemble import Ensemble
from autoscore.batches import SampleBatches
from autoscore.randomness import generator
from autoscore.training import Schedule, fit
from benchmarks.spiral import Spiral
from benchmarks.timing import clock, interleaved, line, ratio_line

ROUNDS = 3  # one seed each
FRACTIONS = {  # of the configured number of steps
    "plain": (1,),
    "ensemble": (1, 1 / 2),
    "conditioned": (1 / 2, 1 / 4, 1 / 8, 1 / 16),
}
EVERY = 2  # the plain loop trains every second level; its time is scaled to all of them
RATE = {"ensemble": 0.01, "conditioned": 0.01}  # short schedules bear a high learning rate
SLICE = 20  # steps that are timed where only the time of a step is asked for
Found = dict[tuple[str, int], list[tuple[float, np.ndarray]]]  # seconds, errors; one a round


def run() -> None:
    """Print the time of a step, the errors and times of schedules, and the times to equal error."""
    torch.set_num_threads(1)
    spiral = Spiral()
    sigmas = spiral.sigmas[::EVERY]
    _compare_steps(spiral)
    found: Found = {}
    for seed in range(ROUNDS):
        for way, fractions in FRACTIONS.items():
            for fraction in fractions:
                steps, train = _plan(spiral, way, fraction, sigmas)
                found.setdefault((way, steps), []).append(train(seed))
    print(f"Relative squared error of r - x by sigma, median of {ROUNDS} seeds, and the seconds of")
    print(f"one seed for all {len(spiral.sigmas)} levels; in the loop {len(sigmas)} are measured")
    print(f"{'':<23} {' '.join(f'{sigma:>8g}' for sigma in sigmas)}     mean  seconds")
    for (way, steps), rounds in sorted(found.items()):
        errors = np.median([error for _, error in rounds], axis=0)
        row = " ".join(f"{error:8.5f}" for error in [*errors, errors.mean()])
        print(f"{way:<12} {steps:>4} steps {row} {np.median([s for s, _ in rounds]):8.2f}")
    for (way, steps), peer in found.items():
        if way == "plain":
            for other in ("ensemble", "conditioned"):
                print(f"The grid by plain, {steps} steps, over {other} at equal error")
                ours = [rounds for (name, _), rounds in sorted(found.items()) if name == other]
                _compare_times(sigmas, peer, ours)


def _plan(
    spiral: Spiral, way: str, fraction: float, sigmas: np.ndarray
) -> tuple[int, Callable[[int], tuple[float, np.ndarray]]]:
    """Return a number of steps and what trains one seed so long: its seconds and errors."""
    kind = "conditioned" if way == "conditioned" else "samples"
    steps = round(fraction * spiral.settings["schedules"][kind]["steps"])

    def train_library(seed: int) -> tuple[float, np.ndarray]:
        stack, seconds = spiral.train(way, seed, {}, steps=steps, learning_rate=RATE[way])
        return seconds, spiral.errors(stack, sigmas)

    def train_plain(seed: int) -> tuple[float, np.ndarray]:
        stack = _start(spiral, seed, seeds=1)
        seconds, errors = 0.0, []
        for sigma in sigmas:
            plain = Plain(spiral, stack, stack.member(sigma, 0, stack.sizes[0]), seed)
            start = clock()
            plain.train(steps)
            seconds += clock() - start
            errors.append(spiral.error(plain.reconstruct(spiral.ruler(sigma).x), sigma))
        return seconds * len(spiral.sigmas) / len(sigmas), np.array(errors)

    return steps, train_plain if way == "plain" else train_library


class Plain:
    """One auto-encoder of one level and seed, as one would write it with PyTorch alone.

    The network, its starting weights, the loss, the batch and the schedule are the ensemble's.

    Parameters
    ----------
    spiral
        Data and settings.
    stack, member
        Whose starting weights it takes.
    seed
        Which data it sees.
    """

    def __init__(self, spiral: Spiral, stack: Ensemble, member: int, seed: int) -> None:
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

    def train(self, steps: int) -> None:
        """Take so many Adam steps with fresh noise."""
        plan = Schedule(**self._plan | {"steps": steps})
        adam = torch.optim.Adam(self._net.parameters(), lr=1.0)
        decay = torch.optim.lr_scheduler.LambdaLR(adam, plan.rate)
        for _ in range(steps):
            clean = self._clean[torch.randint(len(self._clean), (plan.batch,))]
            noisy = clean + self._sigma * torch.randn_like(clean)
            loss = ((self._forward(noisy) - clean) ** 2).sum(1).mean() / self._sigma**2
            adam.zero_grad()
            loss.backward()
            adam.step()
            decay.step()

    @torch.no_grad()
    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """Return r at points of shape ``(n, d)``."""
        return self._forward(torch.as_tensor(x, dtype=torch.float32)).double().numpy()


def _start(spiral: Spiral, seed: int, seeds: int) -> Ensemble:
    """Return an untrained ensemble of all levels and so many seeds."""
    mean, spread = spiral.scale
    m = len(spiral.sigmas) * seeds
    sigmas = np.repeat(spiral.sigmas, seeds)
    stack = Ensemble(
        len(mean),
        spiral.settings["architecture"],
        sigmas.tolist(),
        np.tile(np.arange(seeds), len(spiral.sigmas)).tolist(),
        [float(spiral.settings["sizes"][0])] * m,
        [mean.tolist()] * m,
        np.hypot(spread, sigmas).tolist(),
        precision="single",
    )
    points = torch.as_tensor(spiral.data["train"][seed], dtype=torch.float32)
    stack.initialise(points.expand(m, -1, -1), [generator(seed, "start")] * m)
    return stack


def _compare_steps(spiral: Spiral) -> None:
    """Print what stacking alone gains: the same networks, the same number of steps."""
    plan = Schedule(**spiral.settings["schedules"]["samples"] | {"steps": SLICE, "checks": 1})
    levels, all_seeds = len(spiral.sigmas), spiral.settings["seeds"]
    print(f"{SLICE} steps of networks {spiral.settings['architecture']['hidden']}, {plan.batch}")
    print("points a step, together and in a loop of plain PyTorch: what stacking alone gains")
    for seeds in (1, all_seeds):
        stack = _start(spiral, 0, seeds)
        points = spiral.data["train"][:seeds]

        def together(stack: Ensemble = stack, points: np.ndarray = points) -> None:
            batches = SampleBatches(
                points,
                stack.sizes,
                stack.seeds,
                stack.sigmas,
                [generator(k, "batches") for k in range(len(points))],
                noise="paired",
                dtype=stack.dtype,
            )
            fit(stack.take(list(range(len(stack.seeds)))), "dae", batches, plan)

        def one_by_one(stack: Ensemble = stack) -> None:
            for member, seed in enumerate(stack.seeds):
                Plain(spiral, stack, member, seed).train(SLICE)

        seconds = interleaved({"stacked": together, "one after another": one_by_one}, rounds=5)
        for name, values in seconds.items():
            title = f"{levels} levels x {seeds} seeds, {name}"
            print(line(title, values, seconds["stacked"]))


def _compare_times(
    sigmas: np.ndarray,
    peer: list[tuple[float, np.ndarray]],
    ours: list[list[tuple[float, np.ndarray]]],
) -> None:
    """Print when ours, training all levels, has the peer's error: a level, their mean, all.

    Between schedules of different lengths the time is interpolated, in logarithms.
    """
    means: dict[str, Callable[[np.ndarray], float]] = {
        f"sigma {sigma:g}": lambda errors, k=k: errors[k] for k, sigma in enumerate(sigmas)
    }
    means["mean over levels"] = np.mean
    means["geometric mean over levels"] = lambda errors: np.exp(np.log(errors).mean())
    theirs = np.array([seconds for seconds, _ in peer])
    times = {}
    for title, mean in means.items():
        times[title] = np.array(
            [
                _time_to(mean(target), [(s, mean(errors)) for s, errors in (o[k] for o in ours)])
                for k, (_, target) in enumerate(peer)
            ]
        )
    times["every level"] = np.max([times[f"sigma {sigma:g}"] for sigma in sigmas], axis=0)
    for title, seconds in times.items():
        print(ratio_line(f"  {title}", theirs, seconds))


def _time_to(target: float, schedules: list[tuple[float, float]]) -> float:
    """Return the seconds to an error, from those and errors of ever longer schedules."""
    seconds, errors = np.log(schedules).T
    errors = np.minimum.accumulate(errors)
    if errors[-1] > np.log(target):
        return np.nan
    return float(np.exp(np.interp(-np.log(target), -errors, seconds)))
