"""The steps of chains, compiled: each chain runs through many of them before the next one does.

A kernel's own `step` is the reference. The loop makes the same moves from the same normals, up to
rounding: x + a s(x) + b xi, accepted always or by the exact difference of log p.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from autoscore.samplers.compiled.points import PointFunction, fast, point_function
from autoscore.samplers.kernels import Kernel, S
from autoscore.samplers.targets import ExactTarget

NORMALS = 100_000  # held at once by a thread: 0.8 MB, which stay in the processor's cache


class Rules(NamedTuple):
    """What a chain's moves depend on, all but their sizes."""

    parameters: np.ndarray  # of the density
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
    log_prob: np.ndarray  # (n,)
    kept: np.ndarray  # (n, draws, d)
    accepted: np.ndarray  # after burn-in, (n,)
    finite: np.ndarray  # how many of the steps ended at finite positions, (n,)


@fast
def _advance(
    log_p_and_score: Callable, rules: Rules, moves: Moves, normals: np.ndarray, batch: Batch
) -> None:
    """Take a batch of chains through all steps, given normals of shape ``(n, steps, width)``."""
    for chain in range(len(batch.x)):
        batch.log_prob[chain], accepted, batch.finite[chain] = _advance_one(
            log_p_and_score,
            rules,
            moves,
            normals[chain],
            batch.x[chain],
            batch.score[chain],
            batch.kept[chain],
        )
        batch.accepted[chain] += accepted


@fast
def _advance_one(
    log_p_and_score: Callable,
    rules: Rules,
    moves: Moves,
    normals: np.ndarray,
    x: np.ndarray,
    score: np.ndarray,
    kept: np.ndarray,
) -> tuple[float, int, int]:
    """Take one chain through all steps; return log p, and the chain's part of the counts."""
    # a part of a tuple costs as much as some arithmetic each time that it is taken
    parameters, temperature, low, high, adjusted, longest = rules
    drifts, noises, step, thin = moves
    steps, d = len(drifts), len(x)
    move, back, y, there = np.empty(d), np.empty(d), np.empty(d), np.empty(d)
    accepted = 0
    log_p = log_p_and_score(parameters, x, score)
    for k in range(steps):
        drift, noise = drifts[k] / temperature, noises[k]
        _scale(score, drift, longest * noise, move)
        for i in range(d):
            move[i] += noise * normals[k, i]
            y[i] = x[i] + move[i]
        reached = log_p_and_score(parameters, y, there)
        accepts = _is_finite(y)
        if adjusted:
            ratio = (reached - log_p) / temperature
            if drift != 0.0:
                _scale(there, drift, longest * noise, back)
                forth_square, back_square = 0.0, 0.0
                for i in range(d):
                    forth_square += normals[k, i] ** 2
                    back_square += (move[i] + back[i]) ** 2
                ratio += 0.5 * (forth_square - back_square / noise**2)  # log q(x|y) - log q(y|x)
            for i in range(d):
                accepts = accepts and low[i] <= y[i] <= high[i]
            accepts = accepts and reached < np.inf and _accepts(normals[k, d], ratio)
        elif not accepts:
            _copy(y, x)
            return log_p, accepted, k
        if accepts:
            log_p = reached
            _copy(y, x)
            _copy(there, score)
        done = step + k + 1
        if done > 0:
            accepted += accepts
            if done % thin == 0:
                _copy(x, kept[done // thin - 1])
    return log_p, accepted, steps


@fast
def _scale(score: np.ndarray, factor: float, longest: float, out: np.ndarray) -> None:
    """Write factor * score into `out`, cut at a length."""
    square = 0.0
    for i in range(len(out)):  # a score may be infinite where no drift asks for it
        out[i] = factor * score[i] if factor != 0.0 else 0.0
        square += out[i] ** 2
    if longest < np.inf and not square <= longest**2:
        for i in range(len(out)):
            out[i] *= longest / math.sqrt(square)


@fast
def _copy(values: np.ndarray, out: np.ndarray) -> None:
    for i in range(len(out)):
        out[i] = values[i]


@fast
def _is_finite(x: np.ndarray) -> bool:
    finite = True
    for i in range(len(x)):
        finite = finite and math.isfinite(x[i])
    return finite


@fast
def _accepts(normal: float, log_ratio: float) -> bool:
    """Accept with probability min(1, ratio), and never if the ratio is not a number."""
    if log_ratio >= 0.0:
        return True
    return 0.5 * math.erfc(-normal * math.sqrt(0.5)) < math.exp(log_ratio)


@dataclass(frozen=True)
class Loop:
    """The compiled steps of a kernel on a density."""

    kernel: Kernel
    density: PointFunction

    @classmethod
    def of(cls, kernel: Kernel) -> "Loop":
        """Return the loop of a kernel; raise ValueError if it has none."""
        target, density = getattr(kernel, "target", None), None
        if isinstance(target, ExactTarget) and kernel.move(kernel.step_size) is not None:
            density = point_function(target.source.closed_form())
        if density is None:
            raise ValueError(
                f"{kernel.name} cannot be compiled here, so leave out compiled=True: random-walk "
                "Metropolis and Langevin's moves can, with exact differences of log p, on "
                "mixtures, kernel densities and energies without whole numbers above 15 digits"
            )
        return cls(kernel, density)

    def advance(
        self,
        state: S,
        sizes: np.ndarray,
        generators: Sequence[np.random.Generator],
        kept: np.ndarray,
        accepted: np.ndarray,
        *,
        step: int,
        thin: int,
        threads: int,
    ) -> tuple[S, np.ndarray]:
        """Take n chains with a generator each through steps of these sizes, ``(steps,)``.

        `step` counts those done so far, from the end of burn-in. Draws go into `kept`,
        ``(n, draws, d)``, and `accepted`, ``(n,)``, is counted on. Chains are divided among the
        threads. Return the state, and after how many steps each chain was still finite, ``(n,)``.
        """
        x = state.x.copy(order="C")
        n, dim = x.shape
        batch = Batch(x, np.empty_like(x), np.empty(n), kept, accepted, np.empty(n, np.int64))
        rules, width = self._rules(dim), self.kernel.normals(dim)
        with np.errstate(over="ignore"):  # proposals that are not finite are rejected
            drifts, noises = (np.full(len(sizes), part) for part in self.kernel.move(sizes))
        moves = Moves(drifts, noises, step, thin)

        def go(rows: slice) -> None:
            normals = np.empty((rows.stop - rows.start, len(sizes), width))
            for numbers, rng in zip(normals, generators[rows], strict=True):
                rng.standard_normal(out=numbers)
            part = Batch(*(array[rows] for array in batch))
            _advance(self.density.function, rules, moves, normals, part)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(go, _blocks(n, len(sizes) * width, threads)))  # so that errors are raised
        known = {"x": x, "score": batch.score / rules.temperature, "log_prob": batch.log_prob}
        changed = {name: known[name] for name, part in vars(state).items() if part is not None}
        return replace(state, **changed), batch.finite

    def _rules(self, dim: int) -> Rules:
        target = self.kernel.target
        bounds = [[-np.inf, np.inf]] * dim if target.bounds is None else target.bounds
        low, high = np.array(bounds, dtype=float).T.copy()
        longest = float(getattr(self.kernel, "longest", np.inf))
        aim = (self.density.parameters, target.temperature, low, high)
        return Rules(*aim, self.kernel.adjusted, longest)


def _blocks(chains: int, normals: int, threads: int) -> list[slice]:
    """Divide chains with so many normals each into blocks, as many for each thread."""
    blocks = threads * -(-chains * normals // (NORMALS * threads))
    ends = np.linspace(0, chains, min(blocks, chains) + 1).astype(int).tolist()
    return [slice(*ends[i : i + 2]) for i in range(len(ends) - 1)]
