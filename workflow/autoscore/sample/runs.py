"""Running the chains of one run: where they begin, how they go, what they leave."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from autoscore.fields import Field
from autoscore.files.storage import read_arrays, write_arrays
from autoscore.sample.plans import HIGHEST, Driver, Run
from autoscore.samplers.anneal import spaced_levels
from autoscore.samplers.chains import Chains, Generators, run
from autoscore.samplers.declaration import Parts, Sampler
from autoscore.samplers.kernels import State
from autoscore.samplers.langevin import AdjustedLangevin
from autoscore.samplers.registry import SAMPLERS
from autoscore.samplers.targets import PathTarget
from autoscore.samplers.walk import AdjustedWalk

SETTLING = 8  # steps at the largest noise level, from a Gaussian to p_sigma
REACH = 1.0  # ranges of the data on each side of it, within which chains have to stay


def run_chains(
    this: Run,
    plan: dict,
    driver: Driver,
    clean: np.ndarray,
    generators: Generators,
    progress: Callable[[int, int], None] | None = None,
    checkpoint: Path | None = None,
) -> Chains:
    """Return the chains of a run, given its plan, its driver and training points ``(n, d)``.

    There is one generator per chain. A sampler that descends the noise grid draws ``draws``
    samples from each. `progress` and `checkpoint` are as for `autoscore.samplers.chains.run`.
    """
    sampler = SAMPLERS[this.sampler]
    if sampler.descends:
        return _descend(sampler, plan, driver, clean, generators, plan["draws"], checkpoint)
    options = (clean, this.step, plan["temperature"], box(clean))
    kernel = sampler.make(Parts(driver.source, driver.field, plan["nodes"], *options))
    evaluations, seconds = 0, 0.0
    match plan["start"]:
        case "noise":
            start = np.stack([rng.standard_normal(clean.shape[1]) for rng in generators])
        case "data":
            start = np.stack([clean[rng.integers(len(clean))] for rng in generators])
        case "flow":
            above = _descend(SAMPLERS["flow"], plan, driver, clean, generators, 1)
            start, evaluations, seconds = above.state.x, above.evaluations, above.seconds
    found = run(
        kernel,
        # a walk that carries its preimage begins with a reconstruction
        kernel.at_image(start) if isinstance(kernel, AdjustedWalk) else start,
        plan["draws"],
        generators,
        burn_in=plan["burn_in"],
        thin=plan["thin"],
        target_acceptance=sampler.target_acceptance(clean.shape[1]) if this.step is None else None,
        progress=progress,
        checkpoint=checkpoint,
    )
    evaluations += found.evaluations
    return replace(found, evaluations=evaluations, seconds=seconds + found.seconds)


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
    generators: Generators,
    each: int,
    checkpoint: Path | None = None,
) -> Chains:
    """Draw `each` samples per generator down the field's levels, as chains of one draw each."""
    if checkpoint is not None and checkpoint.exists():
        found = read_arrays(checkpoint)
    else:
        began = time.perf_counter()
        levels = driver.levels[::-1]
        if driver.continuous:
            levels = spaced_levels(*levels, plan["levels"])
        x, settling = _settle(driver.field_at(levels[0]), clean, generators, each)
        x, descent = sampler.descend(driver.field_at, x, levels, plan["steps_a_level"], generators)
        seconds = time.perf_counter() - began
        found = {"x": x, "evaluations": settling + descent, "seconds": seconds}
        if checkpoint is not None:
            write_arrays(checkpoint, found)
    x, evaluations, seconds = found["x"], int(found["evaluations"]), float(found["seconds"])
    return Chains(x[:, None], np.ones(len(x)), evaluations, 0, seconds, None, State(x))


def _settle(
    field: Field, clean: np.ndarray, generators: Generators, each: int
) -> tuple[np.ndarray, int]:
    """Return `each` draws per generator from p_sigma, and the evaluations that they took."""
    # draws from the Gaussian of p_sigma's moments, almost p_sigma itself if noise drowns the data;
    # otherwise adjusted Langevin does the rest, with one node, which is exact for a Gaussian
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
