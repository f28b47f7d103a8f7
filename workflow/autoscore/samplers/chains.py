"""Running chains: burn-in, tuning, thinning, one generator per chain, and resuming after a stop."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autoscore.files.storage import read_arrays, write_arrays
from autoscore.samplers.kernels import Kernel, State
from autoscore.samplers.streams import Streams

if TYPE_CHECKING:
    from autoscore.samplers.compiled.loops import Loop

NORMALS = 4_000_000  # drawn at once: 32 MB
NARROW = 8  # dimensions up to which coordinates lie apart in memory: arithmetic is faster so
LONGEST = 512  # steps at most between two reports of progress, for which normals are drawn at once
PIECE = 0.1  # seconds that compiled steps should take between two reports
SAVED = 10.0  # seconds from one checkpoint to the next
NUMBERS = ("step", "evaluations", "jacobians", "seconds")  # of a course
PILOTS = 16  # chains by which the step is tuned: further chains change nothing
Generators = Sequence[np.random.Generator] | Streams


@dataclass(frozen=True)
class Chains:
    """What a run leaves.

    `draws` has the shape ``(chains, draws, d)``, as ArviZ reads it; `acceptance` is the share of
    proposals accepted after burn-in, ``(chains,)``. `evaluations` and `jacobians` count the points
    at which the field (or an exact log p), and its Jacobian, were evaluated, burn-in included.
    With the tuned kernel, the state and the same generators a run continues as if it had never
    stopped.
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
    generators: Generators,
    *,
    burn_in: int = 0,
    thin: int = 1,
    target_acceptance: float | None = None,
    progress: Callable[[int, int], None] | None = None,
    checkpoint: Path | None = None,
    compiled: bool = False,
    threads: int = 1,
) -> Chains:
    """Run a kernel on a batch of chains.

    `progress` is called with the number of steps done and of all steps. The run is saved now and
    then in the file `checkpoint`, and if that exists continues from there, with the same draws as
    if it had never stopped.

    Parameters
    ----------
    start
        Positions of shape ``(n, d)``, or the state in which an earlier run ended.
    draws, burn_in, thin
        Positions to keep of each chain, steps before the first counts, and steps per draw.
    generators
        One per chain, or one for each of several equal groups of consecutive chains. Compiled
        chains have `Streams`, or make their own from the next words of a generator per chain.
    target_acceptance
        Tune the step during burn-in until this share of proposals is accepted, then freeze it:
        0.44 and 0.234 suit the random walk in one and in many dimensions (Gelman, Roberts and
        Gilks 1996), 0.574 adjusted Langevin (Roberts and Rosenthal 1998).
    compiled, threads
        Take compiled steps, and divide the chains among so many threads. That pays for random-walk
        Metropolis or Langevin's moves on a density in closed form; code is compiled once, in half a
        minute, and kept for later processes. The draws do not depend on the number of threads, and
        up to rounding they are those of the kernel's own steps with the same `Streams`.

    Raises ValueError if the generators cannot share the chains evenly, a start is not finite, the
    step cannot be tuned, the kernel cannot be compiled or the checkpoint is that of another run,
    and FloatingPointError, with sampler, sigma and step, if a chain is no longer finite.

    Examples
    --------
    Adjusted Langevin draws from a standard normal; each chain has a generator of its own.

    >>> from autoscore.densities.mixtures import GaussianMixture
    >>> from autoscore.numerics.streams import generator
    >>> from autoscore.samplers.langevin import AdjustedLangevin
    >>> from autoscore.samplers.targets import ExactTarget
    >>> kernel = AdjustedLangevin(ExactTarget(GaussianMixture([1], [[0]], [[[1]]])), step_size=0.5)
    >>> generators = [generator(2014, "chain", k) for k in range(100)]
    >>> chains = run(kernel, np.zeros((100, 1)), 50, generators, burn_in=20)
    >>> chains.draws.shape, f"{chains.draws.std():.1f}", f"{chains.acceptance.mean():.1f}"
    ((100, 50, 1), '1.0', '0.9')
    """
    began = saved = time.perf_counter()
    if not isinstance(start, State):
        start = np.array(start, dtype=float)
        if start.ndim != 2 or not np.isfinite(start).all():
            raise ValueError(f"starts must be finite, of shape (chains, d), not {start.shape}")
        start = kernel.init(start)
    state = _apart(start)
    chains, dim = state.x.shape
    tuning = None
    if target_acceptance is not None:
        if not (kernel.adjusted and burn_in):
            raise ValueError(
                f"the {kernel.name} cannot be tuned in a burn-in of {burn_in} steps: tuning needs "
                "an adjusted kernel and at least one step"
            )
        tuning = StepTuning(target_acceptance, kernel.step_size)
    kept = np.empty((chains, draws, dim))
    if compiled:
        loop, generators = _compiled(kernel, chains, generators)
    course = Course(kernel, state, tuning, kept, np.zeros(chains, dtype=int), generators)
    if checkpoint is not None and checkpoint.exists():
        course.resume(checkpoint)
    began -= course.seconds
    steps = burn_in + draws * thin
    if compiled:
        pieces = course.compiled_pieces(loop, steps, burn_in, thin, threads)
    else:
        pieces = course.pieces(steps, burn_in, thin)
    for _ in pieces:
        if progress is not None:
            progress(course.step, steps)
        now = time.perf_counter()
        if checkpoint is not None and (course.step == steps or now - saved > SAVED):
            course.seconds, saved = now - began, now
            course.save(checkpoint)
    share, seconds = course.accepted / max(1, draws * thin), time.perf_counter() - began
    counts = (course.evaluations, course.jacobians)
    return Chains(kept, share, *counts, seconds, course.kernel, course.state)


def _compiled(kernel: Kernel, chains: int, generators: Generators) -> tuple["Loop", Streams]:
    from autoscore.samplers.compiled.loops import Loop  # loads Numba, half a second

    if not 0 < len(generators) == chains:
        raise ValueError(
            f"compiled chains need one generator each: there are {len(generators)} for {chains}"
        )
    streams = generators if isinstance(generators, Streams) else Streams.of(generators)
    return Loop.of(kernel), streams


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

    def after(self, acceptance: float, *, last: bool = False) -> float:
        """Return the next step to try, after one with this share of accepted proposals.

        At last, it is the step to keep: the average of those tried, late ones weighing most.
        """
        self.count += 1
        weight = 1.0 / (self.count + 10.0)
        self.excess += weight * (self.target - acceptance - self.excess)
        log_step = np.log(10.0 * self.first) - np.sqrt(self.count) / 0.05 * self.excess
        forget = self.count**-0.75
        self.log_average += forget * (log_step - self.log_average)
        return float(np.exp(self.log_average if last else log_step))


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
    generators: Generators
    step: int = 0
    evaluations: int = 0
    jacobians: int = 0
    seconds: float = 0.0

    def pieces(self, steps: int, burn_in: int, thin: int) -> Iterator[None]:
        """Do all steps that are left, and yield wherever the course can be saved."""
        shape = (len(self.state.x), self.kernel.normals(self.state.x.shape[1]))
        rest = (self.generators, steps - self.step, shape)
        for chunk in chunks_of_normals(*rest, adjusted=self.kernel.adjusted):
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # see `check`
                for normals in chunk:
                    self.advance(normals, burn_in, thin)
                    check(self.state.x, self.kernel.name, self.kernel.sigma, self.step - 1)
            yield

    def advance(self, normals: np.ndarray, burn_in: int, thin: int) -> None:
        """Do one step, given standard normals of shape ``(chains, width)``."""
        self.state, info = self.kernel.step(self.state, normals)
        self.evaluations += info.evaluations
        self.jacobians += info.jacobians
        self.step += 1
        if self.step <= burn_in:
            self._tune(info.log_acceptance, last=self.step == burn_in)
            return
        self.accepted += info.accepted
        draw, left = divmod(self.step - burn_in, thin)
        if left == 0:
            self.kept[:, draw - 1] = self.state.x

    def _tune(self, log_ratios: np.ndarray, *, last: bool) -> None:
        if self.tuning is not None:
            ratios = np.exp(np.minimum(0.0, log_ratios[:PILOTS]))
            size = self.tuning.after(float(ratios.mean()), last=last)
            self.kernel = replace(self.kernel, step_size=size)

    def compiled_pieces(
        self, loop: "Loop", steps: int, burn_in: int, thin: int, threads: int
    ) -> Iterator[None]:
        """Do the same with compiled steps, as many at once as take about the same time."""
        size = LONGEST // 8
        with ThreadPoolExecutor(threads) as pool:
            while self.step < steps:
                began = time.perf_counter()
                self._advance_compiled(loop, min(size, steps - self.step), burn_in, thin, pool)
                yield
                size = max(1, size * 2 if time.perf_counter() - began < PIECE else size // 2)

    def _advance_compiled(
        self, loop: "Loop", steps: int, burn_in: int, thin: int, pool: ThreadPoolExecutor
    ) -> None:
        sizes = self._next_sizes(loop, steps, burn_in)
        draws = (self.generators, self.kept, self.accepted)
        after = self.step - burn_in
        self.state, finite = loop.advance(self.state, sizes, *draws, after, thin, pool)
        first = finite.min()  # of the chains, if any, that were lost first
        lost = np.where((finite == first)[:, None], self.state.x, 0.0)
        with np.errstate(invalid="ignore"):
            check(lost, self.kernel.name, self.kernel.sigma, self.step + first)
        self.step += steps
        self.evaluations += steps * len(finite)

    def _next_sizes(self, loop: "Loop", steps: int, burn_in: int) -> np.ndarray:
        """Return the sizes of the next steps, ``(steps,)``, tuned by the pilots if any are left.

        The pilots do these steps here, with copies of their streams, and again with all chains.
        """
        sizes = np.full(steps, self.kernel.step_size, dtype=float)
        tuned = 0 if self.tuning is None else min(steps, max(0, burn_in - self.step))
        x, pilots = self.state.x[:PILOTS], self.generators.first(PILOTS)
        for k in range(tuned):
            sizes[k] = self.kernel.step_size
            x, log_ratios = loop.trial(x, self.kernel.step_size, pilots)
            self._tune(log_ratios, last=self.step + k + 1 == burn_in)
        sizes[tuned:] = self.kernel.step_size
        return sizes

    def save(self, path: Path) -> None:
        """Write everything to an .npz file; to be called between chunks of normals."""
        numbers = {name: getattr(self, name) for name in NUMBERS}
        numbers["step_size"] = self.kernel.step_size
        numbers["tuning"] = None if self.tuning is None else astuple(self.tuning)
        arrays = {"kept": self.kept, "accepted": self.accepted}
        if isinstance(self.generators, Streams):
            arrays["streams"] = self.generators.states
        else:
            numbers["generators"] = [rng.bit_generator.state for rng in self.generators]
        arrays["numbers"] = np.array(json.dumps(numbers))
        parts = vars(self.state).items()
        arrays |= {f"state_{name}": part for name, part in parts if part is not None}
        write_arrays(path, arrays)

    def resume(self, path: Path) -> None:
        """Take everything from a file that `save` wrote, the generators' states included."""
        arrays = read_arrays(path)
        there, here = arrays["kept"].shape, self.kept.shape
        if there != here:
            raise ValueError(f"{path} has draws of shape {there}, not {here}: remove it to restart")
        if isinstance(self.generators, Streams) != ("streams" in arrays):
            raise ValueError(f"{path} is of a run with other generators: remove it to restart")
        self.kept[:], self.accepted = arrays["kept"], arrays["accepted"]
        numbers = json.loads(arrays["numbers"].item())
        for name in NUMBERS:
            setattr(self, name, numbers[name])
        self.kernel = replace(self.kernel, step_size=numbers["step_size"])
        if self.tuning is not None:
            self.tuning = StepTuning(*numbers["tuning"])
        parts = {name: arrays.get(f"state_{name}") for name in vars(self.state)}
        self.state = replace(self.state, **parts)
        if isinstance(self.generators, Streams):
            self.generators.states[:] = arrays["streams"]
        else:
            for rng, state in zip(self.generators, numbers["generators"], strict=True):
                rng.bit_generator.state = state


def chunks_of_normals(
    generators: Generators, steps: int, shape: tuple[int, int], *, adjusted: bool = False
) -> Iterator[np.ndarray]:
    """Yield standard normals of the shape ``(count, chains, width)`` for `count` steps at once.

    Each generator serves equally many consecutive chains. The numbers do not depend on `count`,
    and so neither on the number of generators; with `Streams`, on whether the last one may reject
    the move. Raises ValueError if the generators cannot share
    the chains evenly.
    """
    (chains, width), groups = shape, len(generators)
    if not groups or chains % groups:
        raise ValueError(f"{groups} generators cannot share {chains} chains evenly")
    size = min(LONGEST, max(1, NORMALS // max(1, chains * width)))
    for begin in range(0, steps, size):
        count = min(size, steps - begin)
        chunk = np.empty((groups, count, chains // groups, width))
        if isinstance(generators, Streams):
            chunk[:, :, 0] = generators.normals(count, width, adjusted=adjusted)
        else:
            for numbers, rng in zip(chunk, generators, strict=True):
                rng.standard_normal(out=numbers)
        if width <= NARROW + 2:  # a column of each step is then one stretch of memory
            columns = np.ascontiguousarray(chunk.transpose(1, 3, 0, 2))
            yield columns.reshape(count, width, chains).swapaxes(1, 2)
        else:
            yield np.ascontiguousarray(chunk.swapaxes(0, 1)).reshape(count, chains, width)


def check(x: np.ndarray, name: str, sigma: float | None, step: int) -> None:
    """Raise FloatingPointError if positions are not finite."""
    if np.isfinite(x.sum()):
        return
    finite = np.isfinite(x).all(-1)
    if not finite.all():
        chain = int(finite.argmin())
        level = "an exact density" if sigma is None else f"sigma {sigma:g}"
        raise FloatingPointError(
            f"{name} on {level}: chain {chain} came to {x[chain].tolist()} in step {step + 1}; "
            "a smaller step, or starts closer to the data, may keep it"
        )


def _apart(state: State) -> State:
    """Return the state with the coordinates of few dimensions one after another in memory."""
    narrow = {
        name: np.asfortranarray(part)
        for name, part in vars(state).items()
        if part is not None and part.ndim == 2 and part.shape[1] <= NARROW
    }
    return replace(state, **narrow)
