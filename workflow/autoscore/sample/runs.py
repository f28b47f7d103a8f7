"""Running the chains of one run: where they begin, how they go, what they leave."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from autoscore.fields import Field
from autoscore.files.storage import read_arrays, write_arrays
from autoscore.sample.plans import HIGHEST, Driver, Run
from autoscore.samplers.anneal import spaced_levels
from autoscore.samplers.chains import Chains, run
from autoscore.samplers.kernels import State
from autoscore.samplers.langevin import AdjustedLangevin
from autoscore.samplers.registration import Parts, Sampler
from autoscore.samplers.registry import SAMPLERS
from autoscore.samplers.targets import PathTarget
from autoscore.samplers.walk import AdjustedWalk

SETTLING = 8  # steps at the largest noise level, from a Gaussian to p_sigma
REACH = 1.0  # ranges of the data on each side of it, within which chains have to stay
Report = Callable[[int, int], None]


def run_chains(
    this: Run,
    plan: dict,
    driver: Driver,
    clean: np.ndarray,
    generators: Sequence[np.random.Generator],
    progress: Report | None = None,
    checkpoint: Path | None = None,
) -> Chains:
    """Return the chains of a run.

    Parameters
    ----------
    this, plan, driver
        The run, the plan it belongs to, and its field.
    clean
        Training points, shape ``(n, d)``.
    generators
        One a chain; of a descent, each has as many ends as a chain has draws.
    progress, checkpoint
        As for `autoscore.samplers.chains.run`.
    """
    sampler = SAMPLERS[this.sampler]
    if sampler.descends:
        return _descend(sampler, plan, driver, clean, generators, plan["draws"], checkpoint)
    asked = (clean, this.step, plan["temperature"], box(clean))
    kernel = sampler.make(Parts(driver.scored, driver.field, plan["nodes"], *asked))
    rate = sampler.target_acceptance(clean.shape[1]) if this.step is None else None
    above = None
    match plan["start"]:
        case "noise":
            start = np.stack([rng.standard_normal(clean.shape[1]) for rng in generators])
        case "data":
            start = np.stack([clean[rng.integers(len(clean))] for rng in generators])
        case "flow":
            above = _descend(SAMPLERS["flow"], plan, driver, clean, generators, 1)
            start = above.state.x
    found = run(
        kernel,
        # a walk that knows its way back begins with a reconstruction
        kernel.at_image(start) if isinstance(kernel, AdjustedWalk) else start,
        plan["draws"],
        generators,
        burn_in=plan["burn_in"],
        thin=plan["thin"],
        target_acceptance=rate,
        progress=progress,
        checkpoint=checkpoint,
    )
    return found if above is None else _after(above, found)


def _after(above: Chains, below: Chains) -> Chains:
    """Return chains that say what their starts have cost as well."""
    evaluations = above.evaluations + below.evaluations
    return replace(below, evaluations=evaluations, seconds=above.seconds + below.seconds)


def box(clean: np.ndarray) -> np.ndarray:
    """Return the box that chains have to stay in, ``(d, 2)``, three times that of the data."""
    low, high = clean.min(0), clean.max(0)
    reach = REACH * (high - low)
    return np.stack([low - reach, high + reach], axis=1)


def _descend(
    sampler: Sampler,
    plan: dict,
    driver: Driver,
    clean: np.ndarray,
    generators: Sequence[np.random.Generator],
    each: int,
    checkpoint: Path | None = None,
) -> Chains:
    """Go down the noise grid, from the field's highest level to its own, `each` times a generator.

    The end is saved in the checkpoint, or read from there.
    """
    if checkpoint is not None and checkpoint.exists():
        found = read_arrays(checkpoint)
        return _ended(found["x"], int(found["evaluations"]), float(found["seconds"]))
    began = time.perf_counter()
    levels = driver.levels[::-1]
    if driver.continuous:
        levels = spaced_levels(*levels, plan["levels"])
    x, evaluations = _settle(driver.field_at(levels[0]), clean, generators, each)
    x, asked = sampler.descend(driver.field_at, x, levels, plan["steps_a_level"], generators)
    evaluations += asked
    seconds = time.perf_counter() - began
    if checkpoint is not None:
        write_arrays(checkpoint, {"x": x, "evaluations": evaluations, "seconds": seconds})
    return _ended(x, evaluations, seconds)


def _ended(x: np.ndarray, evaluations: int, seconds: float) -> Chains:
    """Return ends of descents as chains of a draw each."""
    return Chains(x[:, None], np.ones(len(x)), evaluations, 0, seconds, None, State(x))


def _settle(
    field: Field, clean: np.ndarray, generators: Sequence[np.random.Generator], each: int
) -> tuple[np.ndarray, int]:
    """Return draws from p_sigma, `each` a generator, and how many evaluations they took.

    They begin as draws from a Gaussian with the moments of p_sigma, which it is but for sampling
    error if the data drown in the noise; otherwise adjusted Langevin does the rest. For a Gaussian
    one node on a path is exact.
    """
    dim = clean.shape[1]
    covariance = np.atleast_2d(np.cov(clean.T))
    noise = np.concatenate([rng.standard_normal((each, dim)) for rng in generators])
    smoothed = covariance + field.sigma**2 * np.eye(dim)
    x = clean.mean(0) + noise @ np.linalg.cholesky(smoothed).T
    if field.sigma >= HIGHEST * np.sqrt(np.linalg.eigvalsh(covariance)[-1]):
        return x, 0
    kernel = AdjustedLangevin(PathTarget(field, 1), 0.3 * field.sigma**2)
    rate = SAMPLERS["mala"].target_acceptance(dim)
    settled = run(kernel, x, 1, generators, burn_in=SETTLING, target_acceptance=rate)
    return settled.state.x, settled.evaluations
