"""Training a stack: Adam with warm-up and decay, then an optional second-order polish."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import pad

from autoscore.files.storage import read_arrays, write_arrays
from autoscore.numerics.exponentials import VECTOR
from autoscore.train import lbfgs
from autoscore.train.batches import Batch, SampleBatches
from autoscore.train.objectives import OBJECTIVES
from autoscore.train.stack import Stack

GROUPS = 10  # of held-out points, whose spread says how noisy their losses are
COMPARED = 4  # one in so many checks looks at the held-out points: each costs as much as many steps
STANDARD_ERRORS = 3.0  # by which earlier weights have to be better to be kept
SAVED = 30.0  # seconds from one checkpoint to the next


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    steps
        Adam steps.
    learning_rate
        Its peak, reached after the warm-up; it then falls to 0 as half a cosine.
    warm_up
        Fraction of the steps over which it rises.
    batch
        Points a step and member, where points are drawn.
    polish
        L-BFGS evaluations after Adam; they need a batch that does not change.
    checks
        How often on the way the loss is recorded; where there are held-out points, weights are
        compared on them at one in `COMPARED` of these.
    average
        Decay a step of a running average of the weights, which then is the result; early steps
        are forgotten sooner. 0 for none.
    """

    steps: int
    learning_rate: float = 0.01
    warm_up: float = 0.05
    batch: int = 256
    polish: int = 0
    checks: int = 20
    average: float = 0.0

    def rate(self, step: int) -> float:
        """Return the learning rate of this step."""
        rise = max(1, round(self.warm_up * self.steps))
        if step < rise:
            return self.learning_rate * (step + 1) / rise
        return (
            self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / (self.steps - rise)))
        )


@dataclass
class Trace:
    """Losses along the way, `losses[k]`, shape ``(m,)``, after `steps[k]`; see `Stack.unit`.

    Where the weights were observed, `observed[k]` is what was seen after `observed_steps[k]`.
    """

    steps: list[int] = field(default_factory=list)
    losses: list[torch.Tensor] = field(default_factory=list)
    observed_steps: list[int] = field(default_factory=list)
    observed: list[np.ndarray] = field(default_factory=list)


class DivergedError(RuntimeError):
    """A loss stopped being a number."""


def silent(message: str) -> None:
    """Report nothing."""


def fit(
    stack: Stack,
    objective: str,
    data: Batch | SampleBatches,
    schedule: Schedule,
    *,
    held_out: Batch | None = None,
    report: Callable[[str], None] = silent,
    observe: Callable[[torch.Tensor], np.ndarray] | None = None,
    checkpoint: Path | None = None,
) -> Trace:
    """Train all members of a stack together; ``stack.theta`` holds the result.

    Parameters
    ----------
    stack
        Initialised auto-encoders.
    objective
        ``"dae"`` or ``"rcae"``.
    data
        One fixed batch (the density itself), or a source of minibatches.
    schedule
        How long and how fast.
    held_out
        If given, a member whose weights were clearly better on it at an earlier check keeps those.
    report
        Is told the progress, with the time left.
    observe
        Called with the weights before the first step and after steps 1, 2, 4, ... and the last; the
        trace keeps the arrays, of one shape, that it returns.
    checkpoint
        File to which the training is saved now and then. If it exists the same training goes on
        from there, to the same weights as if it had never stopped.

    Raises
    ------
    DivergedError
        If a loss is not finite; the message names sigma, seed and step.
    ValueError
        If a polish is asked for on minibatches.
    """
    if schedule.polish and not isinstance(data, Batch):
        raise ValueError("the L-BFGS polish needs a fixed batch, not minibatches with fresh noise")
    clock = _Clock(schedule, stack, report)
    keeper = _Keeper(stack, objective, held_out)
    course = _Course(stack.theta.clone(), schedule.average, clock, keeper, data)
    if checkpoint is not None and checkpoint.exists():
        course.resume(checkpoint)
    _run_adam(course, stack, objective, schedule, observe, checkpoint)
    if schedule.polish:
        _run_polish(stack, objective, data, schedule, clock, keeper)
    keeper.finish()
    return clock.trace


def _run_adam(
    course: "_Course",
    stack: Stack,
    objective: str,
    schedule: Schedule,
    observe: Callable[[torch.Tensor], np.ndarray] | None,
    checkpoint: Path | None,
) -> None:
    theta, data, clock = course.theta.requires_grad_(), course.data, course.clock

    def reconstruct(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return stack.forward(theta, x, sigma)[0]

    if observe is not None and course.step == 0:
        clock.note(0, observe(theta.detach()))
    saved = time.monotonic()
    batch = data if isinstance(data, Batch) else None
    for step in range(course.step, schedule.steps):
        batch = data if isinstance(data, Batch) else data.draw(schedule.batch, reconstruct)
        losses = OBJECTIVES[objective](stack, theta, batch)
        (gradient,) = torch.autograd.grad(losses.sum(), theta)
        course.advance(gradient, schedule.rate(step))
        if clock.due(step):
            clock.check(step, losses.detach() + batch.spread_loss())
            if len(clock.trace.steps) % COMPARED == 0:
                course.keeper.offer(course.result)
        if observe is not None and (step + 1 == schedule.steps or (step + 1).bit_count() == 1):
            clock.note(step + 1, observe(course.result))
        if checkpoint is not None and time.monotonic() - saved > SAVED:
            course.save(checkpoint)
            saved = time.monotonic()
    stack.theta = course.result
    if batch is not None:
        with torch.no_grad():  # where the last step led to
            clock.check_finite(schedule.steps, OBJECTIVES[objective](stack, stack.theta, batch))


class _Course:
    """How far a training has come: all that changes from step to step."""

    def __init__(
        self,
        theta: torch.Tensor,
        average: float,
        clock: "_Clock",
        keeper: "_Keeper",
        data: Batch | SampleBatches,
    ) -> None:
        self.theta, self.clock, self.keeper, self.data = theta, clock, keeper, data
        self.step, self._decay, self._adam = 0, average, _Adam(theta)
        self._mean = theta.detach().clone() if average else None

    @property
    def result(self) -> torch.Tensor:
        """The weights that training would end with now."""
        return self.theta.detach() if self._mean is None else self._mean

    def advance(self, gradient: torch.Tensor, rate: float) -> None:
        self._adam.step(self.theta, gradient, rate)
        self.step += 1
        if self._mean is not None:
            # an average over a tenth of the steps so far, until the decay is what limits it
            decay = min(self._decay, 1.0 - 1.0 / (0.1 * self.step + 1.0))
            self._mean.lerp_(self.theta.detach(), 1.0 - decay)

    def _tensors(self) -> dict[str, torch.Tensor]:
        named = {"theta": self.theta.detach()} | self._adam.moments | self.keeper.best
        return named if self._mean is None else named | {"mean": self._mean}

    def save(self, path: Path) -> None:
        """Write everything to an .npz file, the generators' states included."""
        arrays = {name: tensor.cpu().numpy() for name, tensor in self._tensors().items()}
        trace = self.clock.trace
        arrays["trace_steps"] = np.array(trace.steps, dtype=int)
        arrays["trace_losses"] = np.array([losses.tolist() for losses in trace.losses])
        arrays["observed_steps"] = np.array(trace.observed_steps, dtype=int)
        arrays["observed"] = np.array(trace.observed)
        arrays["progress"] = np.array([self.step, self.clock.seconds])
        if isinstance(self.data, SampleBatches):
            arrays["batches"] = np.array(self.data.state(), dtype=bytes)
        write_arrays(path, arrays)

    def resume(self, path: Path) -> None:
        """Take everything from a file that `save` wrote."""
        arrays = read_arrays(path)
        place = {"dtype": self.theta.dtype, "device": self.theta.device}
        self.keeper.restore(arrays, place)
        for name, tensor in self._tensors().items():
            tensor.copy_(torch.as_tensor(arrays[name], **place))
        self.step, seconds = int(arrays["progress"][0]), float(arrays["progress"][1])
        self._adam.steps = self.step
        self.clock.go_on(seconds)
        self.clock.trace = Trace(
            arrays["trace_steps"].tolist(),
            list(torch.as_tensor(arrays["trace_losses"], **place)),
            arrays["observed_steps"].tolist(),
            list(arrays["observed"]),
        )
        if isinstance(self.data, SampleBatches):
            self.data.go_on(arrays["batches"].tolist())


class _Adam:
    """Adam (Kingma and Ba 2015, algorithm 1): every weight is scaled by its own history alone.

    PyTorch's own optimiser does the same by the same operator, which passes over the weights once,
    but drags its compiler in: two seconds a job. The operator rounds the last few weights, which
    do not fill a vector, differently: they are computed in a full one, so that a member's weights
    do not depend on whether it is the last of its stack.
    """

    def __init__(self, theta: torch.Tensor, decay: tuple[float, float] = (0.9, 0.999)) -> None:
        self._decay = decay
        self._mean, self._square = torch.zeros_like(theta), torch.zeros_like(theta)
        self.steps = 0

    @property
    def moments(self) -> dict[str, torch.Tensor]:
        return {"adam_mean": self._mean, "adam_square": self._square}

    @torch.no_grad()
    def step(self, theta: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """Move `theta` in place."""
        self.steps += 1
        rows = [part.view(-1) for part in (theta, gradient.contiguous(), self._mean, self._square)]
        full = theta.numel() // VECTOR * VECTOR
        last = [pad(row[full:], (0, VECTOR)) for row in rows]
        torch._fused_adam_(
            *([row[:full], end] for row, end in zip(rows, last, strict=True)),
            [],
            [torch.tensor(float(self.steps), device=theta.device) for _ in range(2)],
            lr=rate,
            beta1=self._decay[0],
            beta2=self._decay[1],
            weight_decay=0.0,
            eps=1e-12,
            amsgrad=False,
            maximize=False,
        )
        for row, end in zip(rows, last, strict=True):
            row[full:] = end[: theta.numel() - full]


def _run_polish(
    stack: Stack,
    objective: str,
    batch: Batch,
    schedule: Schedule,
    clock: "_Clock",
    keeper: "_Keeper",
) -> None:
    def closure(theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        theta = theta.detach().requires_grad_()
        losses = OBJECTIVES[objective](stack, theta, batch)
        (gradient,) = torch.autograd.grad(losses.sum(), theta)
        return losses.detach(), gradient

    def report(step: int, losses: torch.Tensor) -> None:
        if clock.due(schedule.steps + step):
            clock.check(schedule.steps + step, losses + batch.spread_loss())

    stack.theta = lbfgs.minimise(closure, stack.theta, schedule.polish, report=report)
    keeper.offer(stack.theta)


class _Keeper:
    """Keeps each member's last weights, or earlier ones that held-out points clearly prefer.

    Held-out losses are noisy, and the best of many checks is mostly a lucky one: it has to win by
    more than the standard errors that its groups of points show.
    """

    def __init__(self, stack: Stack, objective: str, held_out: Batch | None) -> None:
        self._stack, self._objective = stack, objective
        self._groups = [] if held_out is None else held_out.split(GROUPS)
        self._best: torch.Tensor | None = None  # losses, (m, groups)
        self._theta = stack.theta

    @property
    def best(self) -> dict[str, torch.Tensor]:
        """The best weights so far with their losses, if there are any."""
        return {} if self._best is None else {"best_losses": self._best, "best": self._theta}

    def restore(self, arrays: dict[str, np.ndarray], place: dict) -> None:
        if "best" in arrays:
            self._best = torch.as_tensor(arrays["best_losses"], **place)
            self._theta = torch.as_tensor(arrays["best"], **place)

    def _losses(self, theta: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            loss = OBJECTIVES[self._objective]
            return torch.stack([loss(self._stack, theta, group) for group in self._groups], dim=1)

    def offer(self, theta: torch.Tensor) -> None:
        if not self._groups:
            return
        losses = self._losses(theta)
        if self._best is None:
            self._best, self._theta = losses, theta.clone()
            return
        better = losses.mean(1) < self._best.mean(1)
        self._best = torch.where(better[:, None], losses, self._best)
        self._theta = torch.where(better[:, None], theta, self._theta)

    def finish(self) -> None:
        if self._best is None:
            return
        gain = self._losses(self._stack.theta) - self._best
        error = gain.std(1) / len(self._groups) ** 0.5
        earlier = gain.mean(1) > STANDARD_ERRORS * error
        self._stack.theta = torch.where(earlier[:, None], self._theta, self._stack.theta)


class _Clock:
    """Records the losses, tells the time left and stops what has diverged."""

    def __init__(self, schedule: Schedule, stack: Stack, report: Callable[[str], None]) -> None:
        self._total = schedule.steps + schedule.polish
        self._every = max(1, self._total // schedule.checks)
        self._stack, self._report = stack, report
        self._start = time.monotonic()
        self.trace = Trace()

    @property
    def seconds(self) -> float:
        """How long the training has taken so far."""
        return time.monotonic() - self._start

    def go_on(self, seconds: float) -> None:
        """Count these seconds of an earlier start, too."""
        self._start = time.monotonic() - seconds

    def due(self, step: int) -> bool:
        return (step + 1) % self._every == 0 or step + 1 == self._total

    def check_finite(self, step: int, values: torch.Tensor) -> None:
        broken = torch.nonzero(~torch.isfinite(values))
        if len(broken):
            member = int(broken[0, 0])
            sigmas = getattr(self._stack, "sigmas", None)
            level = "drawn from its range" if sigmas is None else f"{sigmas[member]:.6g}"
            raise DivergedError(
                f"the loss is {float(values[member])} at step {step} for sigma {level}, "
                f"seed {self._stack.seeds[member]}: lower the schedule's learning_rate"
            )

    def note(self, step: int, seen: np.ndarray) -> None:
        self.trace.observed_steps.append(step)
        self.trace.observed.append(seen)

    def check(self, step: int, losses: torch.Tensor) -> None:
        self.check_finite(step + 1, losses)
        self.trace.steps.append(step + 1)
        self.trace.losses.append(losses)
        left = self.seconds * (self._total - step - 1) / (step + 1)
        self._report(
            f"step {step + 1} of {self._total}, mean loss {float(losses.mean()):.6g}, "
            f"about {left:.0f} s left"
        )
