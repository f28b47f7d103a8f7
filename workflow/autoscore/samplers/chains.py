"""Running chains: burn-in, tuning, thinning, one generator a chain."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from autoscore.samplers.kernels import Info, Kernel, State

BLOCK = 4_000_000  # normals held at once: 32 MB
LONGEST = 512  # steps a block at most, between two reports of progress


@dataclass(frozen=True)
class Chains:
    """What a run leaves.

    ``arviz.from_dict({"posterior": {"x": chains.draws}})`` is how ArviZ opens the draws.

    Attributes
    ----------
    draws : numpy.ndarray
        Shape ``(chains, draws, d)``.
    acceptance : numpy.ndarray
        Share of proposals accepted after burn-in, shape ``(chains,)``; 1 where all are.
    evaluations, jacobians : int
        Points at which the field (or an exact log p), and its Jacobian, were evaluated in all
        steps, burn-in included.
    seconds : float
        Time that the run took.
    kernel : Kernel
        The kernel with its step as tuned.
    state : State
        Where the chains are: with it, `kernel` and the same generators a run goes on as if it had
        never stopped.
    """

    draws: np.ndarray
    acceptance: np.ndarray
    evaluations: int
    jacobians: int
    seconds: float
    kernel: Kernel
    state: State


def run(
    kernel: Kernel,
    start: np.ndarray | State,
    draws: int,
    generators: Sequence[np.random.Generator],
    *,
    burn_in: int = 0,
    thin: int = 1,
    target_acceptance: float | None = None,
    pilots: int = 16,
    bounds: np.ndarray | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Chains:
    """Run a kernel on a batch of chains.

    Parameters
    ----------
    kernel
        The sampler.
    start
        Positions of shape ``(n, d)``, or the state that a run before ended in.
    draws
        Positions to keep of each chain.
    generators
        One a chain. Each step takes ``kernel.normals(d)`` standard normals of each.
    burn_in
        Steps before the first one counts.
    thin
        Steps from one draw to the next.
    target_acceptance
        Tune the step during burn-in until this share of proposals is accepted, then freeze it:
        0.44 and 0.234 suit the random walk in one and in many dimensions (Gelman, Roberts and
        Gilks 1996), 0.574 adjusted Langevin (Roberts and Rosenthal 1998). None for no tuning.
    pilots
        The step is tuned on the first so many chains, and used by all: further chains change
        nothing.
    bounds
        Shape ``(d, 2)``: a chain that leaves this box is an error. Proposals that leave the bounds
        of an adjusted kernel's target never get so far: they are rejected.
    progress
        Called with the number of steps done and of all steps.

    Raises
    ------
    ValueError
        If the number of generators is not that of chains, a start is not finite, or the step is
        to be tuned of a kernel that is not tunable or without a burn-in.
    FloatingPointError
        If a chain is no longer finite or out of bounds; the message names sampler, sigma and step.
    """
    began = time.perf_counter()
    state = start if isinstance(start, State) else kernel.init(_checked(start))
    chains, dim = state.x.shape
    if len(generators) != chains:
        raise ValueError(f"{chains} chains need as many generators, not {len(generators)}")
    tuning = _begin_tuning(kernel, target_acceptance, burn_in)
    kept = np.empty((draws, chains, dim))
    accepted = np.zeros(chains, dtype=int)
    evaluations = jacobians = 0
    steps = burn_in + draws * thin
    blocks = normals_by_step(generators, steps, kernel.normals(dim), progress)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # `check` sees to it
        for step, normals in enumerate(blocks):
            state, info = kernel.step(state, normals)
            check(state.x, kernel.name, kernel.sigma, step, bounds)
            evaluations += info.evaluations
            jacobians += info.jacobians
            if step < burn_in:
                if tuning is not None:
                    kernel = kernel.with_step_size(tuning.after(_mean_acceptance(info, pilots)))
                    if step == burn_in - 1:
                        kernel = kernel.with_step_size(tuning.average())
                continue
            accepted += info.accepted
            draw, left = divmod(step - burn_in + 1, thin)
            if left == 0:
                kept[draw - 1] = state.x
    share = accepted / max(1, draws * thin)
    seconds = time.perf_counter() - began
    return Chains(kept.swapaxes(0, 1), share, evaluations, jacobians, seconds, kernel, state)


def normals_by_step(
    generators: Sequence[np.random.Generator],
    steps: int,
    width: int,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[np.ndarray]:
    """Yield, for each step, standard normals of shape ``(chains, width)``, a row a generator.

    Numbers are drawn in blocks of many steps. A generator's numbers do not depend on the length of
    the blocks, so neither do they on the number of chains.
    """
    chains = len(generators)
    size = min(LONGEST, max(1, BLOCK // max(1, chains * width)))
    for begin in range(0, steps, size):
        count = min(size, steps - begin)
        block = np.empty((chains, count, width))
        for numbers, rng in zip(block, generators, strict=True):
            rng.standard_normal(out=numbers)
        yield from np.ascontiguousarray(block.swapaxes(0, 1))
        if progress is not None:
            progress(begin + count, steps)


def check(
    x: np.ndarray,
    name: str,
    sigma: float | None,
    step: int,
    bounds: np.ndarray | None = None,
) -> None:
    """Refuse positions that are not finite or out of bounds.

    Raises
    ------
    FloatingPointError
        With the sampler's name, sigma, step and the first chain concerned.
    """
    if bounds is None and np.isfinite(x.sum()):
        return
    sound = np.isfinite(x)
    if bounds is not None:
        sound &= (x >= bounds[:, 0]) & (x <= bounds[:, 1])
    if not sound.all():
        chain = int(np.flatnonzero(~sound.all(-1))[0])
        level = "an exact density" if sigma is None else f"sigma {sigma:g}"
        raise FloatingPointError(
            f"{name} on {level}: chain {chain} came to {x[chain].tolist()} in step {step + 1}; "
            "a smaller step, or starts closer to the data, may keep it"
        )


def _checked(x: np.ndarray) -> np.ndarray:
    x = np.array(x, dtype=float)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise ValueError(f"starts must be finite, of shape (chains, d); theirs is {x.shape}")
    return x


def _begin_tuning(kernel: Kernel, target: float | None, burn_in: int) -> "StepTuning | None":
    if target is None:
        return None
    if not kernel.tunable:
        reason = (
            "with a fixed share b no step need reach the target"
            if kernel.adjusted
            else ("every move is accepted")
        )
        raise ValueError(f"the step of the {kernel.name} cannot be tuned: {reason}")
    if not burn_in:
        raise ValueError("tuning happens during burn-in, which has no steps")
    return StepTuning(target, kernel.step_size)


def _mean_acceptance(info: Info, pilots: int) -> float:
    return float(np.exp(np.minimum(0.0, info.log_acceptance[:pilots])).mean())


@dataclass
class StepTuning:
    """Dual averaging of log(step), with the constants of Hoffman and Gelman (2014, JMLR 15).

    Parameters
    ----------
    target
        Share of proposals to accept.
    first
        Step to begin with.
    """

    target: float
    first: float
    _count: int = field(default=0, init=False)
    _excess: float = field(default=0.0, init=False)
    _log_average: float = field(default=0.0, init=False)

    def after(self, acceptance: float) -> float:
        """Return the next step to try, after one whose proposals were accepted so often."""
        self._count += 1
        weight = 1.0 / (self._count + 10.0)
        self._excess += weight * (self.target - acceptance - self._excess)
        log_step = np.log(10.0 * self.first) - np.sqrt(self._count) / 0.05 * self._excess
        forget = self._count**-0.75
        self._log_average += forget * (log_step - self._log_average)
        return float(np.exp(log_step))

    def average(self) -> float:
        """Return the step to keep: the average of those tried, late ones weighing most."""
        return float(np.exp(self._log_average))
