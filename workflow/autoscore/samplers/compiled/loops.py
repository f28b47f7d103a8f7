"""The steps of chains, compiled: each block of chains runs through many before the next one does.

A kernel's own `step` is the reference. The loop makes the same moves from the same normals, up to
rounding: x + a s(x) + b xi, accepted always or by the exact difference of log p.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from autoscore.samplers.compiled.blocks import LANES, lanes_for, load, store
from autoscore.samplers.compiled.cache import kept
from autoscore.samplers.compiled.elementary import allocating, fast, log_of_normal
from autoscore.samplers.compiled.formulas import Formula, evaluate, make_formula, workspace
from autoscore.samplers.compiled.normals import draw, next_words, uniform
from autoscore.samplers.kernels import Kernel, S
from autoscore.samplers.streams import WORDS, Streams
from autoscore.samplers.targets import ExactTarget

SHARES = 8  # of the chains for each thread at most: one that is disturbed does fewer


class Rules(NamedTuple):
    """What a chain's moves depend on, all but their sizes."""

    temperature: float
    low: np.ndarray  # bounds outside of which p vanishes, (d,)
    high: np.ndarray
    adjusted: bool
    longest: float  # drift, in units of the noise


class Moves(NamedTuple):
    """The next steps: x + drift s(x) + noise xi."""

    drifts: np.ndarray  # (steps,)
    noises: np.ndarray  # (steps,)
    step: int  # done so far; not positive during burn-in
    thin: int


class Batch(NamedTuple):
    """Chains, whose arrays are written to; the score is that of p, without the temperature."""

    x: np.ndarray  # (n, d)
    score: np.ndarray  # (n, d)
    log_p: np.ndarray  # (n,)
    states: np.ndarray  # of their generators, (n, 4)
    kept: np.ndarray  # (n, draws, d)
    accepted: np.ndarray  # after burn-in, (n,)
    finite: np.ndarray  # how many of the steps ended at finite positions, (n,)
    ratio: np.ndarray  # log of the last step's ratio, -inf if it had none, (n,)


class Block(NamedTuple):
    """Chains side by side, and where their next step leads."""

    x: np.ndarray  # (d, lanes), as all down to `back`
    score: np.ndarray
    y: np.ndarray
    there: np.ndarray  # the score at y
    move: np.ndarray
    back: np.ndarray  # drift from y
    normals: np.ndarray  # (d, or one more if d is odd, lanes)
    log_p: np.ndarray  # (lanes,), as all further ones
    reached: np.ndarray  # log p at y
    ratio: np.ndarray  # log of what Metropolis and Hastings compare with a uniform number
    length: np.ndarray
    takes: np.ndarray  # 1 where y is accepted, else 0
    accepted: np.ndarray
    finite: np.ndarray


@allocating
def _block(dim: int, lanes: int) -> Block:
    wide = np.zeros((6, dim, lanes))
    normals = np.zeros((dim + dim % 2, lanes))
    lane = np.zeros((7, lanes))
    return Block(
        wide[0], wide[1], wide[2], wide[3], wide[4], wide[5], normals,
        lane[0], lane[1], lane[2], lane[3], lane[4], lane[5], lane[6],
    )  # fmt: skip


@kept
def _advance(formula: Formula, rules: Rules, moves: Moves, batch: Batch) -> None:
    """Take chains through all steps, block by block."""
    n, dim = batch.x.shape
    lanes = lanes_for(n)
    work, block = workspace(formula, dim, lanes), _block(dim, lanes)
    states, words = np.empty((WORDS, lanes), np.uint64), np.empty((2, lanes), np.uint64)
    for first in range(0, n, lanes):
        load(batch.x, first, block.x)
        load(batch.states, first, states)
        block.accepted[:], block.finite[:] = 0.0, 0.0
        evaluate(formula, block.x, block.log_p, block.score, work)
        for k in range(len(moves.drifts)):
            draw(states, words, block.normals)
            drift, noise = moves.drifts[k] / rules.temperature, moves.noises[k]
            _propose(drift, noise, rules.longest * noise, block)
            evaluate(formula, block.y, block.reached, block.there, work)
            if rules.adjusted:
                next_words(states, words[0])
                _compare(drift, noise, rules, block)
                _judge(rules, words[0], block)
            else:
                _stop_the_lost(k, block)
            _take(block)
            done = moves.step + k + 1
            if done > 0:
                block.accepted[:] += block.takes
                if done % moves.thin == 0:
                    store(block.x, first, batch.kept[:, done // moves.thin - 1])
        _unload(block, states, first, batch, rules.adjusted)


@fast
def _propose(drift: float, noise: float, longest: float, block: Block) -> None:
    _scale(block.score, drift, longest, block.length, block.move)
    for i in range(len(block.x)):
        move, normals, x, y = block.move[i], block.normals[i], block.x[i], block.y[i]
        for j in range(len(x)):
            move[j] += noise * normals[j]
            y[j] = x[j] + move[j]


@fast
def _scale(
    score: np.ndarray, factor: float, longest: float, length: np.ndarray, out: np.ndarray
) -> None:
    """Write factor * score into `out`, cut at a length; `length` is for its own use."""
    if factor == 0.0:  # a score may be infinite where no drift asks for it
        out[:] = 0.0
        return
    for i in range(len(out)):
        for j in range(len(length)):
            out[i, j] = factor * score[i, j]
    if longest < np.inf:
        _square(out, length)
        for j in range(len(length)):
            short = length[j] <= longest * longest
            length[j] = 1.0 if short else longest / np.sqrt(length[j])
        for i in range(len(out)):
            for j in range(len(length)):
                out[i, j] *= length[j]


@fast
def _square(values: np.ndarray, out: np.ndarray) -> None:
    out[:] = 0.0
    for i in range(len(values)):
        for j in range(len(out)):
            out[j] += values[i, j] * values[i, j]


@fast
def _compare(drift: float, noise: float, rules: Rules, block: Block) -> None:
    """Write the log of p(y) q(x|y) / (p(x) q(y|x)) into the block's ratio."""
    ratio, log_p, reached, length = block.ratio, block.log_p, block.reached, block.length
    for j in range(len(ratio)):
        ratio[j] = (reached[j] - log_p[j]) / rules.temperature
    if drift == 0.0:
        return
    _square(block.normals[: len(block.x)], length)
    for j in range(len(ratio)):
        ratio[j] += 0.5 * length[j]
    _scale(block.there, drift, rules.longest * noise, length, block.back)
    for i in range(len(block.x)):
        back, move = block.back[i], block.move[i]
        for j in range(len(ratio)):
            back[j] += move[j]
    _square(block.back, length)
    factor = 0.5 / (noise * noise)
    for j in range(len(ratio)):
        ratio[j] -= factor * length[j]


@fast
def _judge(rules: Rules, words: np.ndarray, block: Block) -> None:
    """Accept with probability min(1, ratio), and never what is no number or out of bounds."""
    ratio, reached, takes = block.ratio, block.reached, block.takes
    for j in range(len(takes)):
        known = ratio[j] == ratio[j] and reached[j] < np.inf
        ratio[j] = ratio[j] if known else -np.inf
    for i in range(len(block.y)):
        y, low, high = block.y[i], rules.low[i], rules.high[i]
        for j in range(len(takes)):
            inside = abs(y[j]) < np.inf and low <= y[j] <= high
            ratio[j] = ratio[j] if inside else -np.inf
    for j in range(len(takes)):
        takes[j] = 1.0 if log_of_normal(uniform(words[j])) < ratio[j] else 0.0


@fast
def _stop_the_lost(k: int, block: Block) -> None:
    """Take every step of chains that are still finite: none after the first that is not."""
    takes, finite, y = block.takes, block.finite, block.y
    for j in range(len(takes)):
        takes[j] = 1.0 if finite[j] == k else 0.0
        finite[j] += takes[j]
    for i in range(len(y)):
        for j in range(len(takes)):
            finite[j] = finite[j] if abs(y[i, j]) < np.inf else min(finite[j], float(k))


@fast
def _take(block: Block) -> None:
    """Go where the step leads, or stay."""
    for i in range(len(block.x)):
        _choose(block.takes, block.y[i], block.x[i])
        _choose(block.takes, block.there[i], block.score[i])
    _choose(block.takes, block.reached, block.log_p)


@fast
def _choose(takes: np.ndarray, new: np.ndarray, old: np.ndarray) -> None:
    for j in range(len(takes)):
        there, here = new[j], old[j]  # both are read, so that no branch is needed
        old[j] = there if takes[j] > 0.0 else here


@fast
def _unload(block: Block, states: np.ndarray, first: int, batch: Batch, adjusted: bool) -> None:
    store(block.x, first, batch.x)
    store(block.score, first, batch.score)
    store(states, first, batch.states)
    for j in range(min(len(block.takes), len(batch.x) - first)):
        batch.log_p[first + j] = block.log_p[j]
        batch.ratio[first + j] = block.ratio[j]
        batch.accepted[first + j] += int(block.accepted[j])
        if not adjusted:
            batch.finite[first + j] = int(block.finite[j])


@dataclass(frozen=True)
class Loop:
    """The compiled steps of a kernel on a density."""

    kernel: Kernel
    formula: Formula

    @classmethod
    def of(cls, kernel: Kernel) -> "Loop":
        """Return the loop of a kernel; raise ValueError if it has none."""
        target, formula = getattr(kernel, "target", None), None
        if isinstance(target, ExactTarget) and kernel.move(kernel.step_size) is not None:
            formula = make_formula(target.source.closed_form())
        if formula is None:
            raise ValueError(
                f"{kernel.name} cannot be compiled here, so leave out compiled=True: random-walk "
                "Metropolis and Langevin's moves can, with exact differences of log p, on "
                "mixtures, kernel densities and energies"
            )
        return cls(kernel, formula)

    def advance(
        self,
        state: S,
        sizes: np.ndarray,
        streams: Streams,
        kept: np.ndarray,
        accepted: np.ndarray,
        step: int,
        thin: int,
        pool: ThreadPoolExecutor,
    ) -> tuple[S, np.ndarray]:
        """Take n chains with a stream each through steps of these sizes, ``(steps,)``.

        `step` counts those done so far, from the end of burn-in. Draws go into `kept`,
        ``(n, draws, d)``, and `accepted`, ``(n,)``, is counted on. Chains are divided among the
        threads of the pool. Return the state, and after how many steps each chain was still
        finite, ``(n,)``.
        """
        batch = self._batch(state.x, streams, kept, accepted, len(sizes))
        rules, moves = self._rules(state.x.shape[1]), self._moves(sizes, step, thin)

        def go(rows: slice) -> None:
            _advance(self.formula, rules, moves, Batch(*(array[rows] for array in batch)))

        # a list, so that errors are raised
        list(pool.map(go, _shares(len(state.x), pool._max_workers)))
        known = {"x": batch.x, "score": batch.score / rules.temperature, "log_prob": batch.log_p}
        changed = {name: known[name] for name, part in vars(state).items() if part is not None}
        return replace(state, **changed), batch.finite

    def trial(self, x: np.ndarray, size: float, streams: Streams) -> tuple[np.ndarray, np.ndarray]:
        """Return where a step of this size leads from x, ``(n, d)``, and the log ratios, ``(n,)``.

        Ratios are as `autoscore.samplers.kernels.Info` has them.
        """
        n, dim = x.shape
        batch = self._batch(x, streams, np.empty((n, 0, dim)), np.empty(n, np.int64), 1)
        # nothing is kept or counted before the burn-in's end
        _advance(self.formula, self._rules(dim), self._moves(np.array([size]), -1, 1), batch)
        return batch.x, batch.ratio

    def _batch(
        self, x: np.ndarray, streams: Streams, kept: np.ndarray, accepted: np.ndarray, steps: int
    ) -> Batch:
        x = x.copy(order="C")
        n, finite = len(x), np.full(len(x), steps, np.int64)
        counts = (streams.states, kept, accepted, finite)
        return Batch(x, np.empty_like(x), np.empty(n), *counts, np.empty(n))

    def _moves(self, sizes: np.ndarray, step: int, thin: int) -> Moves:
        with np.errstate(over="ignore"):  # proposals that are not finite are rejected
            parts = self.kernel.move(sizes)
        return Moves(*(np.full(len(sizes), part, dtype=float) for part in parts), step, thin)

    def _rules(self, dim: int) -> Rules:
        target = self.kernel.target
        bounds = [[-np.inf, np.inf]] * dim if target.bounds is None else target.bounds
        low, high = np.array(bounds, dtype=float).T.copy()
        longest = float(getattr(self.kernel, "longest", np.inf))
        return Rules(target.temperature, low, high, self.kernel.adjusted, longest)


def _shares(chains: int, threads: int) -> Iterator[slice]:
    """Divide chains into shares of about the same size, as many for each thread."""
    blocks = -(-chains // LANES)
    shares = min(chains, threads * min(SHARES, -(-blocks // threads)))
    ends = np.linspace(0, chains, shares + 1).astype(int).tolist()
    return (slice(*ends[i : i + 2]) for i in range(shares))
