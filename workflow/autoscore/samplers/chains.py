"""Running chains: burn-in, tuning, thinning, one generator per chain, and resuming after a stop."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np

from autoscore.files.storage import read_arrays, write_arrays
from autoscore.samplers.kernels import Kernel, State
from autoscore.samplers.targets import Bounds

NORMALS = 4_000_000  # drawn at once: 32 MB
NARROW = 8  # dimensions up to which coordinates lie apart in memory: arithmetic is faster so
LONGEST = 512  # steps at most between two reports of progress, for which normals are drawn at once
SAVED = 10.0  # seconds from one checkpoint to the next
PILOTS = 16  # chains by which the step is tuned: further chains change nothing


@dataclass(frozen=True)
class Chains:
    """What a run leaves; ``arviz.convert_to_dataset({"x": chains.draws})`` opens the draws.

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
    kernel, state : Kernel, State
        The kernel with its step as tuned and the state of the chains: with both and the same
        generators a run continues as if it had never stopped.
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
    bounds: Bounds = None,
    progress: Callable[[int, int], None] | None = None,
    checkpoint: Path | None = None,
) -> Chains:
    """Run a kernel on a batch of chains.

    Parameters
    ----------
    start
        Positions of shape ``(n, d)``, or the state in which an earlier run ended.
    draws, burn_in, thin
        Positions to keep of each chain, steps before the first counts, and steps per draw.
    generators
        One per chain, or one for each of several equal groups of consecutive chains. A step takes
        ``kernel.normals(d)`` standard normals per chain.
    target_acceptance
        Tune the step during burn-in until this share of proposals is accepted, then freeze it:
        0.44 and 0.234 suit the random walk in one and in many dimensions (Gelman, Roberts and
        Gilks 1996), 0.574 adjusted Langevin (Roberts and Rosenthal 1998). None for no tuning.
    bounds
        Shape ``(d, 2)``: a chain that leaves this box is an error. An adjusted kernel whose target
        has these bounds rejects such proposals before.
    progress
        Called with the number of steps done and of all steps.
    checkpoint
        File to which the run is saved now and then, and at its end. If it exists the same run
        continues from there, with the same draws as if it had never stopped.

    Raises
    ------
    ValueError
        If the generators cannot share the chains evenly, a start is not finite, the step cannot
        be tuned, or the checkpoint is that of a run of another size.
    FloatingPointError
        If a chain is no longer finite or out of bounds; the message names sampler, sigma and step.
    """
    began = time.perf_counter()
    state = _apart(start if isinstance(start, State) else kernel.init(_checked(start)))
    chains, dim = state.x.shape
    tuning = None if target_acceptance is None else _tuning(kernel, target_acceptance, burn_in)
    kept = np.empty((chains, draws, dim))
    course = Course(kernel, state, tuning, kept, np.zeros(chains, dtype=int), generators)
    if checkpoint is not None and checkpoint.exists():
        course.resume(checkpoint)
    began -= course.seconds
    steps = burn_in + draws * thin
    saved = time.perf_counter()

    def after_chunk(done: int) -> None:
        nonlocal saved
        if progress is not None:
            progress(done, steps)
        now = time.perf_counter()
        if checkpoint is not None and (done == steps or now - saved > SAVED):
            course.seconds, saved = now - began, now
            course.save(checkpoint)

    shape = (chains, kernel.normals(dim))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # see `check`
        for normals in normals_by_step(generators, steps, shape, after_chunk, course.step):
            course.advance(normals, burn_in, thin)
            check(course.state.x, kernel.name, kernel.sigma, course.step - 1, bounds)
    share = course.accepted / max(1, draws * thin)
    seconds = time.perf_counter() - began
    counts = (course.evaluations, course.jacobians)
    return Chains(kept, share, *counts, seconds, course.kernel, course.state)


@dataclass
class StepTuning:
    """Dual averaging of log(step), with the constants of Hoffman and Gelman (2014, JMLR 15).

    `target` is the share of proposals to accept, `first` the step to begin with; the others are
    the number of steps tried, their mean excess over the target, and their mean logarithm.
    """

    target: float
    first: float
    count: float = 0
    excess: float = 0.0
    log_average: float = 0.0

    def after(self, acceptance: float) -> float:
        """Return the next step to try, after one with this share of accepted proposals."""
        self.count += 1
        weight = 1.0 / (self.count + 10.0)
        self.excess += weight * (self.target - acceptance - self.excess)
        log_step = np.log(10.0 * self.first) - np.sqrt(self.count) / 0.05 * self.excess
        forget = self.count**-0.75
        self.log_average += forget * (log_step - self.log_average)
        return float(np.exp(log_step))

    def average(self) -> float:
        """Return the step to keep: the average of those tried, late ones weighing most."""
        return float(np.exp(self.log_average))


@dataclass
class Course:
    """How far a run has come: all that changes from step to step.

    `kept` has shape ``(chains, draws, d)`` and is filled from the first draw on, `accepted` counts
    accepted proposals after burn-in, ``(chains,)``.
    """

    kernel: Kernel
    state: State
    tuning: StepTuning | None
    kept: np.ndarray
    accepted: np.ndarray
    generators: Sequence[np.random.Generator]
    step: int = 0
    evaluations: int = 0
    jacobians: int = 0
    seconds: float = 0.0

    def advance(self, normals: np.ndarray, burn_in: int, thin: int) -> None:
        """Do one step, given standard normals of shape ``(chains, width)``."""
        self.state, info = self.kernel.step(self.state, normals)
        self.evaluations += info.evaluations
        self.jacobians += info.jacobians
        self.step += 1
        if self.step <= burn_in:
            if self.tuning is not None:
                ratios = np.exp(np.minimum(0.0, info.log_acceptance[:PILOTS]))
                size = self.tuning.after(float(ratios.mean()))
                size = self.tuning.average() if self.step == burn_in else size
                self.kernel = self.kernel.with_step_size(size)
            return
        self.accepted += info.accepted
        draw, left = divmod(self.step - burn_in, thin)
        if left == 0:
            self.kept[:, draw - 1] = self.state.x

    def save(self, path: Path) -> None:
        """Write everything to an .npz file; to be called between chunks of normals."""
        streams = [json.dumps(rng.bit_generator.state) for rng in self.generators]
        tuned = [] if self.tuning is None else astuple(self.tuning)
        numbers = [self.kernel.step_size, self.step, self.evaluations, self.jacobians, self.seconds]
        arrays = {"kept": self.kept, "accepted": self.accepted, "numbers": np.array(numbers)}
        arrays |= {"generators": np.array(streams, dtype=bytes), "tuning": np.array(tuned)}
        parts = vars(self.state).items()
        arrays |= {f"state_{name}": part for name, part in parts if part is not None}
        write_arrays(path, arrays)

    def resume(self, path: Path) -> None:
        """Take everything from a file that `save` wrote, the generators' states included.

        Raises ValueError if the file is of a run of another size.
        """
        arrays = read_arrays(path)
        if arrays["kept"].shape != self.kept.shape:
            raise ValueError(
                f"{path} is of a run with draws of shape {arrays['kept'].shape}, "
                f"not {self.kept.shape}: remove it to begin anew"
            )
        self.kept[:], self.accepted = arrays["kept"], arrays["accepted"]
        size, *counts, self.seconds = arrays["numbers"].tolist()
        self.kernel = self.kernel.with_step_size(size)
        self.step, self.evaluations, self.jacobians = map(int, counts)
        parts = {name: arrays.get(f"state_{name}") for name in vars(self.state)}
        self.state = replace(self.state, **parts)
        if self.tuning is not None:
            self.tuning = StepTuning(*arrays["tuning"].tolist())
        for rng, state in zip(self.generators, arrays["generators"], strict=True):
            rng.bit_generator.state = json.loads(state)


def normals_by_step(
    generators: Sequence[np.random.Generator],
    steps: int,
    shape: tuple[int, int],
    after_chunk: Callable[[int], None] | None = None,
    first: int = 0,
) -> Iterator[np.ndarray]:
    """Yield, for each step from `first` on, standard normals of the shape ``(chains, width)``.

    Each generator serves equally many consecutive rows. Numbers are drawn in chunks of many steps,
    on whose length they do not depend, hence neither on the number of generators. After each chunk
    `after_chunk` is called with the number of steps done. Raises ValueError if the generators
    cannot share the chains evenly.
    """
    (chains, width), groups = shape, len(generators)
    if not groups or chains % groups:
        raise ValueError(f"{groups} generators cannot share {chains} chains evenly")
    size = min(LONGEST, max(1, NORMALS // max(1, chains * width)))
    for begin in range(first, steps, size):
        count = min(size, steps - begin)
        chunk = np.empty((groups, count, chains // groups, width))
        for numbers, rng in zip(chunk, generators, strict=True):
            rng.standard_normal(out=numbers)
        if width <= NARROW + 2:  # a column of each step is then one stretch of memory
            columns = np.ascontiguousarray(chunk.transpose(1, 3, 0, 2))
            yield from columns.reshape(count, width, chains).swapaxes(1, 2)
        else:
            yield from np.ascontiguousarray(chunk.swapaxes(0, 1)).reshape(count, chains, width)
        if after_chunk is not None:
            after_chunk(begin + count)


def check(x: np.ndarray, name: str, sigma: float | None, step: int, bounds: Bounds = None) -> None:
    """Raise FloatingPointError if positions are not finite or out of bounds."""
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


def _apart(state: State) -> State:
    """Return the state with the coordinates of few dimensions one after another in memory."""
    narrow = {
        name: np.asfortranarray(part)
        for name, part in vars(state).items()
        if part is not None and part.ndim == 2 and part.shape[1] <= NARROW
    }
    return replace(state, **narrow)


def _tuning(kernel: Kernel, target: float, burn_in: int) -> StepTuning:
    if not kernel.tunable:
        reason = (
            "with a fixed share b no step need reach the target"
            if kernel.adjusted
            else "every move is accepted"
        )
        raise ValueError(f"the step of the {kernel.name} cannot be tuned: {reason}")
    if not burn_in:
        raise ValueError("tuning happens during burn-in, which has no steps")
    return StepTuning(target, kernel.step_size)
