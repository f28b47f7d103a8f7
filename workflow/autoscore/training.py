"""Training a stack: Adam with warm-up and decay, then an optional second-order polish."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from autoscore import lbfgs
from autoscore.autoencoders.stack import Stack
from autoscore.batches import Batch, SampleBatches
from autoscore.objectives import OBJECTIVES

GROUPS = 10  # of held-out points, whose spread says how noisy their losses are
STANDARD_ERRORS = 3.0  # by which earlier weights have to be better to be kept


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
        How often on the way the loss is recorded and, where there are held-out points, compared.
    """

    steps: int
    learning_rate: float = 0.01
    warm_up: float = 0.05
    batch: int = 256
    polish: int = 0
    checks: int = 20

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
    """Losses along the way, in units of sigma^2: `losses[k]`, shape ``(m,)``, after `steps[k]`."""

    steps: list[int] = field(default_factory=list)
    losses: list[torch.Tensor] = field(default_factory=list)


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
    _run_adam(stack, objective, data, schedule, clock, keeper)
    if schedule.polish:
        _run_polish(stack, objective, data, schedule, clock, keeper)
    keeper.finish()
    return clock.trace


def _run_adam(
    stack: Stack,
    objective: str,
    data: Batch | SampleBatches,
    schedule: Schedule,
    clock: "_Clock",
    keeper: "_Keeper",
) -> None:
    theta = stack.theta.clone().requires_grad_()
    adam = _Adam(theta)

    def reconstruct(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return stack.forward(theta, x, sigma)[0]

    for step in range(schedule.steps):
        batch = data if isinstance(data, Batch) else data.draw(schedule.batch, reconstruct)
        losses = OBJECTIVES[objective](stack, theta, batch)
        (gradient,) = torch.autograd.grad(losses.sum(), theta)
        adam.step(theta, gradient, schedule.rate(step))
        if clock.due(step):
            clock.check(step, losses.detach() + batch.spread_loss())
            keeper.offer(theta.detach())
    stack.theta = theta.detach()
    with torch.no_grad():  # where the last step led to
        clock.check_finite(schedule.steps, OBJECTIVES[objective](stack, stack.theta, batch))


class _Adam:
    """Adam (Kingma and Ba 2015, algorithm 1): every weight is scaled by its own history alone.

    PyTorch's own does the same, but drags its compiler in: two seconds a job, for six lines.
    """

    def __init__(self, theta: torch.Tensor, decay: tuple[float, float] = (0.9, 0.999)) -> None:
        self._decay = decay
        self._mean, self._square = torch.zeros_like(theta), torch.zeros_like(theta)
        self._steps = 0

    @torch.no_grad()
    def step(self, theta: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """Move `theta` in place."""
        first, second = self._decay
        self._steps += 1
        self._mean.lerp_(gradient, 1.0 - first)
        self._square.lerp_(gradient**2, 1.0 - second)
        size = (self._square / (1.0 - second**self._steps)).sqrt_().add_(1e-12)
        theta.addcdiv_(self._mean, size, value=-rate / (1.0 - first**self._steps))


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
        self._best: torch.Tensor | None = None  # losses, (groups, m)
        self._theta = stack.theta

    def _losses(self, theta: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            loss = OBJECTIVES[self._objective]
            return torch.stack([loss(self._stack, theta, group) for group in self._groups])

    def offer(self, theta: torch.Tensor) -> None:
        if not self._groups:
            return
        losses = self._losses(theta)
        if self._best is None:
            self._best, self._theta = losses, theta.clone()
            return
        better = losses.mean(0) < self._best.mean(0)
        self._best = torch.where(better, losses, self._best)
        self._theta = torch.where(better[:, None], theta, self._theta)

    def finish(self) -> None:
        if self._best is None:
            return
        gain = self._losses(self._stack.theta) - self._best
        error = gain.std(0) / len(self._groups) ** 0.5
        earlier = gain.mean(0) > STANDARD_ERRORS * error
        self._stack.theta = torch.where(earlier[:, None], self._theta, self._stack.theta)


class _Clock:
    """Records the losses, tells the time left and stops what has diverged."""

    def __init__(self, schedule: Schedule, stack: Stack, report: Callable[[str], None]) -> None:
        self._total = schedule.steps + schedule.polish
        self._every = max(1, self._total // schedule.checks)
        self._stack, self._report = stack, report
        self._start = time.monotonic()
        self.trace = Trace()

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

    def check(self, step: int, losses: torch.Tensor) -> None:
        self.check_finite(step + 1, losses)
        self.trace.steps.append(step + 1)
        self.trace.losses.append(losses)
        left = (time.monotonic() - self._start) * (self._total - step - 1) / (step + 1)
        self._report(
            f"step {step + 1} of {self._total}, mean loss / sigma^2 {float(losses.mean()):.6g}, "
            f"about {left:.0f} s left"
        )
