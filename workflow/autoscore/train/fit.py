"""Training a stack: Adam with warm-up and decay, then an optional second-order polish."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from autoscore.files.storage import read_arrays, write_arrays
from autoscore.numerics.exponentials import VECTOR
from autoscore.train import lbfgs
from autoscore.train.batches import Batch, SampleBatches
from autoscore.train.objectives import OBJECTIVES
from autoscore.train.stack import Stack

GROUPS = 10  # of held-out points, whose spread estimates the noise of their losses
COMPARED = 4  # held-out points at every fourth check: each such look costs as much as many steps
STANDARD_ERRORS = 3.0  # by which earlier weights have to be better to be kept
SAVED = 30.0  # seconds from one checkpoint to the next


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train: Adam, and then L-BFGS.

    The learning rate rises over `warm_up`, a fraction of the steps, and falls to 0 as half a
    cosine. A polish needs a batch that does not change. At one in `COMPARED` checks weights are
    compared on held-out points, if there are any. An average of the weights, if any, is the result;
    it forgets early steps sooner.
    """

    steps: int
    learning_rate: float = 0.01  # at its peak
    warm_up: float = 0.05
    batch: int = 256  # points per step and member, where points are drawn
    polish: int = 0  # L-BFGS evaluations
    checks: int = 20  # how often the loss is recorded
    average: float = 0.0  # decay per step, 0 for no average

    def rate(self, step: int) -> float:
        """Return the learning rate of this step."""
        rise = max(1, round(self.warm_up * self.steps))
        if step < rise:
            return self.learning_rate * (step + 1) / rise
        angle = math.pi * (step - rise) / (self.steps - rise)
        return self.learning_rate * 0.5 * (1 + math.cos(angle))


@dataclass
class Trace:
    """Losses along the way, `losses[k]`, shape ``(m,)``, after `steps[k]`; see `Stack.unit`.

    If the weights were observed, `observed[k]` is the observation after `observed_steps[k]`.
    """

    steps: list[int] = field(default_factory=list)
    losses: list[Tensor] = field(default_factory=list)
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
    observe: Callable[[Tensor], np.ndarray] | None = None,
    checkpoint: Path | None = None,
) -> Trace:
    """Train a stack where its data are; it returns to the CPU with the result as its ``theta``.

    `data` are one fixed batch (the density itself) or a source of minibatches, for which a polish
    raises ValueError. If `held_out` points are given, a member whose weights were clearly better on
    them at an earlier check keeps those. `report` takes messages on the progress. `observe` takes
    the weights before the first step and after steps 1, 2, 4, ... and the last; the trace keeps the
    arrays, of one shape, that it returns. The training is saved to the file `checkpoint` now and
    then. If it exists, the same training resumes from there, and ends with the same weights as if
    it had never stopped. A loss that is not finite raises DivergedError.
    """
    if schedule.polish and not isinstance(data, Batch):
        raise ValueError("the L-BFGS polish needs a fixed batch, not minibatches with fresh noise")
    device = data.inputs.device if isinstance(data, Batch) else data.device
    keeper = _Keeper(stack.to(device), objective, None if held_out is None else held_out.to(device))
    course = _Course(stack, objective, data, schedule, keeper, report)
    if checkpoint is not None and checkpoint.exists():
        course.resume(checkpoint)
    course.run_adam(observe, checkpoint)
    if schedule.polish:
        course.run_polish()
    keeper.finish()
    stack.to("cpu")
    return course.trace


@dataclass
class _Course:
    """A training on its way: all that changes from step to step."""

    stack: Stack
    objective: str
    data: Batch | SampleBatches
    schedule: Schedule
    keeper: "_Keeper"
    report: Callable[[str], None]
    trace: Trace = field(default_factory=Trace)

    def __post_init__(self) -> None:
        self._step, self._theta = 0, self.stack.theta.clone()
        self._adam = _Adam(self._theta)
        self._mean = self._theta.clone() if self.schedule.average else None
        self._start = time.monotonic()

    def _result(self) -> Tensor:
        """Return the weights with which training would end now."""
        return self._theta if self._mean is None else self._mean

    def run_adam(
        self, observe: Callable[[Tensor], np.ndarray] | None, checkpoint: Path | None
    ) -> None:
        data, schedule, trace = self.data, self.schedule, self.trace
        if observe is not None and self._step == 0:
            trace.observed_steps.append(0)
            trace.observed.append(observe(self._theta))
        saved = time.monotonic()
        batch = data if isinstance(data, Batch) else None
        for step in range(self._step, schedule.steps):
            if not isinstance(data, Batch):
                batch = data.draw(schedule.batch, self._reconstruct)
            losses, gradient = self._slope(self._theta, batch)
            self._advance(gradient, schedule.rate(step))
            if self._check(step, losses, batch) and len(trace.steps) % COMPARED == 0:
                self.keeper.offer(self._result())
            if observe is not None and (step + 1 == schedule.steps or (step + 1).bit_count() == 1):
                trace.observed_steps.append(step + 1)
                trace.observed.append(observe(self._result()))
            if checkpoint is not None and time.monotonic() - saved > SAVED:
                self._save(checkpoint)
                saved = time.monotonic()
        self.stack.theta = self._result()
        if batch is not None:  # where the last step led to
            self._check_finite(schedule.steps, self._slope(self.stack.theta, batch)[0])

    def run_polish(self) -> None:
        def check(step: int, losses: Tensor) -> None:
            self._check(self.schedule.steps + step, losses, self.data)

        self.stack.theta = lbfgs.minimise(
            lambda theta: self._slope(theta, self.data),
            self.stack.theta,
            self.schedule.polish,
            report=check,
        )
        self.keeper.offer(self.stack.theta)

    def _slope(self, theta: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the losses, ``(m,)``, and their gradients, ``(m, parameters)``."""
        theta = theta.detach().requires_grad_()
        losses = OBJECTIVES[self.objective](self.stack, theta, batch)
        (slope,) = torch.autograd.grad(losses.sum(), theta)
        return losses.detach(), slope

    def _reconstruct(self, x: Tensor, sigma: Tensor) -> Tensor:
        with torch.no_grad():
            return self.stack.forward(self._theta, x, sigma)[0]

    def _advance(self, gradient: Tensor, rate: float) -> None:
        self._adam.step(self._theta, gradient, rate)
        self._step += 1
        if self._mean is not None:
            # an average over a tenth of the steps so far, until the decay limits it
            decay = min(self.schedule.average, 1.0 - 1.0 / (0.1 * self._step + 1.0))
            self._mean.lerp_(self._theta, 1.0 - decay)

    def _check(self, step: int, losses: Tensor, batch: Batch) -> bool:
        """Record and report the losses where this is due, and return whether it is."""
        done, total = step + 1, self.schedule.steps + self.schedule.polish
        if done % max(1, total // self.schedule.checks) and done != total:
            return False
        losses = losses + batch.spread_loss()
        self._check_finite(done, losses)
        self.trace.steps.append(done)
        self.trace.losses.append(losses)
        left = (time.monotonic() - self._start) * (total - done) / done
        mean = float(losses.mean())
        self.report(f"step {done} of {total}, mean loss {mean:.6g}, about {left:.0f} s left")
        return True

    def _check_finite(self, step: int, losses: Tensor) -> None:
        broken = torch.nonzero(~torch.isfinite(losses))
        if len(broken):
            member = int(broken[0, 0])
            sigmas = getattr(self.stack, "sigmas", None)
            level = "drawn from its range" if sigmas is None else f"{sigmas[member]:.6g}"
            raise DivergedError(
                f"the loss is {float(losses[member])} at step {step} for sigma {level}, "
                f"seed {self.stack.seeds[member]}: lower the schedule's learning_rate"
            )

    def _tensors(self) -> dict[str, Tensor]:
        named = {"theta": self._theta} | self._adam.moments | self.keeper.best
        return named if self._mean is None else named | {"mean": self._mean}

    def _save(self, path: Path) -> None:
        """Write everything to an .npz file, the generators' states included."""
        arrays = {name: tensor.cpu().numpy() for name, tensor in self._tensors().items()}
        arrays["steps"] = np.array(self.trace.steps, dtype=int)
        arrays["losses"] = np.array([losses.tolist() for losses in self.trace.losses])
        arrays["observed_steps"] = np.array(self.trace.observed_steps, dtype=int)
        arrays["observed"] = np.array(self.trace.observed)
        arrays["progress"] = np.array([self._step, time.monotonic() - self._start])
        if isinstance(self.data, SampleBatches):
            arrays["batches"] = np.array(self.data.state(), dtype=bytes)
        write_arrays(path, arrays)

    def resume(self, path: Path) -> None:
        """Restore everything from a file that `_save` wrote."""
        arrays = read_arrays(path)
        place = {"dtype": self._theta.dtype, "device": self._theta.device}
        for name in {"best_losses", "best"} & arrays.keys():
            self.keeper.best[name] = torch.as_tensor(arrays[name], **place)
        for name, tensor in self._tensors().items():
            tensor.copy_(torch.as_tensor(arrays[name], **place))
        self._step = self._adam.steps = int(arrays["progress"][0])
        self._start -= float(arrays["progress"][1])
        losses = list(torch.as_tensor(arrays["losses"], **place))
        observed = arrays["observed_steps"].tolist(), list(arrays["observed"])
        self.trace = Trace(arrays["steps"].tolist(), losses, *observed)
        if isinstance(self.data, SampleBatches):
            self.data.restore(arrays["batches"].tolist())


class _Adam:
    """Adam (Kingma and Ba 2015, algorithm 1): every weight is scaled by its own history alone.

    PyTorch's own optimiser calls the same fused operator, but imports its compiler: two seconds per
    job. The operator rounds the last few weights, which do not fill a vector, differently. They are
    padded to a full one, so that a member's weights do not depend on its place in the stack.
    """

    def __init__(self, theta: Tensor) -> None:
        self.moments = {name: torch.zeros_like(theta) for name in ("adam_mean", "adam_square")}
        self.steps = 0

    @torch.no_grad()
    def step(self, theta: Tensor, gradient: Tensor, rate: float) -> None:
        """Move `theta` in place."""
        self.steps += 1
        tensors = (theta, gradient.contiguous(), *self.moments.values())
        rows = [tensor.view(-1) for tensor in tensors]
        full = theta.numel() // VECTOR * VECTOR
        last = [pad(row[full:], (0, VECTOR)) for row in rows]
        torch._fused_adam_(
            *([row[:full], end] for row, end in zip(rows, last, strict=True)),
            [],
            [torch.tensor(float(self.steps), device=theta.device) for _ in range(2)],
            lr=rate,
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=1e-12,
            amsgrad=False,
            maximize=False,
        )
        for row, end in zip(rows, last, strict=True):
            row[full:] = end[: theta.numel() - full]


class _Keeper:
    """Keeps each member's last weights, or earlier ones that held-out points clearly prefer.

    Held-out losses are noisy, and the best of many checks is mostly a lucky one: it has to win by
    `STANDARD_ERRORS` of the mean over groups of points.
    """

    def __init__(self, stack: Stack, objective: str, held_out: Batch | None) -> None:
        self._stack, self._objective = stack, objective
        self._groups = [] if held_out is None else held_out.split(GROUPS)
        self.best: dict[str, Tensor] = {}  # best_losses, (m, groups), and best weights

    def _losses(self, theta: Tensor) -> Tensor:
        with torch.no_grad():
            loss = OBJECTIVES[self._objective]
            return torch.stack([loss(self._stack, theta, group) for group in self._groups], dim=1)

    def offer(self, theta: Tensor) -> None:
        if not self._groups:
            return
        losses = self._losses(theta)
        if not self.best:
            self.best = {"best_losses": losses, "best": theta.clone()}
            return
        better = losses.mean(1) < self.best["best_losses"].mean(1)
        for name, new in (("best_losses", losses), ("best", theta)):
            self.best[name] = torch.where(better[:, None], new, self.best[name])

    def finish(self) -> None:
        if not self.best:
            return
        gain = self._losses(self._stack.theta) - self.best["best_losses"]
        error = gain.std(1) / len(self._groups) ** 0.5
        earlier = gain.mean(1) > STANDARD_ERRORS * error
        self._stack.theta = torch.where(earlier[:, None], self.best["best"], self._stack.theta)
