"""From the plans of a configuration to single runs: which field drives which sampler, and where.

A plan is a set of fields, samplers, noise levels and seeds, and how long chains are; a run is one
of each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.models.registry import Learned
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.samplers.anneal import FieldAt
from autoscore.samplers.targets import ExactField, Scored
from autoscore.score.estimates import combine_levels
from autoscore.train.stack import Stack

DRIFTING = 0.1  # noise whose drift an exact field has if its sampler has no step
HIGHEST = 4.0  # spreads of the data: with so much noise hardly anything else is left


@dataclass(frozen=True)
class Run:
    """One sampler on one field.

    Attributes
    ----------
    plan, field, model, sampler : str
        Names; the model is empty for exact fields and optima.
    sigma : float
        Noise level of the field, 0 for estimates of the clean score.
    seed : int
        Of the training and of the chains.
    size : float
        Number of training points; inf where nothing was trained.
    step : float or None
        The sampler's step; None leaves it to tuning, or to the sampler.
    """

    plan: str
    field: str
    model: str
    sampler: str
    sigma: float
    seed: int
    size: float
    step: float | None

    @property
    def key(self) -> str:
        """A name that no other run of this density has."""
        size = "" if np.isinf(self.size) else f"-{self.size:g}"
        step = "" if self.step is None else f"-{self.step:g}"
        parts = [self.plan, self.field, self.model, self.sampler, f"{self.sigma:g}", str(self.seed)]
        return "-".join(filter(None, parts)) + size + step


def expand(plans: dict[str, dict], learned: Learned) -> Iterator[Run]:
    """Yield every run of the plans, those of one field after one another.

    Parameters
    ----------
    plans
        As in the configuration, by name.
    learned
        Trained stacks by (objective, model, source).
    """
    for name, plan in plans.items():
        for field in plan["fields"]:
            for model, sigma, seed, size in _drivers(plan, field, learned):
                for sampler in plan["samplers"]:
                    for step in _steps(plan, sampler):
                        yield Run(name, field, model, sampler, sigma, seed, size, step)


def _steps(plan: dict, sampler: str) -> list[float | None]:
    given = plan["steps"]
    if isinstance(given, dict):
        given = given.get(sampler, [])
    return list(np.atleast_1d(given)) or [None]


def _drivers(plan: dict, field: str, learned: Learned) -> Iterator[tuple[str, float, int, float]]:
    """Yield model, sigma, seed and number of training points of each field of a plan."""
    if field in ("exact", "optimum"):
        levels = noise_levels(plan["sigmas"]) if field == "optimum" else [0.0]
        for sigma in levels:
            for seed in range(plan["repeats"]):
                yield "", float(sigma), seed, np.inf
        return
    for model in plan["models"]:
        stack = stack_of(learned, model)
        sizes = plan["sizes"] or np.unique(stack.sizes).tolist()
        seeds = np.unique(stack.seeds)[: plan["repeats"]].tolist()
        levels = noise_levels(plan["sigmas"]) if field == "learned" else [0.0]
        for size in sizes:
            for sigma in levels:
                for seed in seeds:
                    yield model, float(sigma), int(seed), float(size)


def stack_of(learned: Learned, model: str) -> Stack:
    """Return the stack of a model that was trained on samples, for the denoising objective."""
    return learned["dae", model, "samples"]


@dataclass(frozen=True)
class Driver:
    """What drives chains.

    Attributes
    ----------
    scored : Scored
        The score of what is sampled: the density itself, or a field.
    field : Field
        The reconstruction with that score.
    field_at : callable
        The field at other noise levels, for samplers that go down the grid; None where there are
        none.
    levels : numpy.ndarray
        The noise levels at which it can be asked, increasing, the lowest that of `field`; empty
        if there are none.
    continuous : bool
        Whether it can be asked at all levels between the lowest and the highest.
    """

    scored: Scored
    field: Field
    field_at: FieldAt | None
    levels: np.ndarray
    continuous: bool


def make_driver(
    run: Run, density: Density, learned: Learned, data: dict[str, np.ndarray]
) -> Driver:
    """Return what drives the chains of a run.

    Parameters
    ----------
    run
        The run.
    density
        What is sampled.
    learned, data
        Trained stacks, and the samples that they were trained on.

    Raises
    ------
    ValueError
        If a model has no such level, seed or size.
    """
    if run.field == "exact":
        # of 2013: the whole drift of Langevin's step, after its noise
        field = ExactField(density, (run.step or DRIFTING) / np.sqrt(2))
        return Driver(density, field, None, np.array([]), continuous=False)
    if run.field == "extrapolated":
        stack = stack_of(learned, run.model)
        field = combine_levels(stack, run.seed, int(run.size), data).field()
        return Driver(field, field, None, np.array([]), continuous=False)
    if run.field == "optimum":
        at: FieldAt = partial(DenoisingOptimum, density)
        levels = np.array([run.sigma, HIGHEST * data["train"][0].std(0).max()])
        separate = False
    else:
        stack = stack_of(learned, run.model)
        at = partial(_member, stack, run.seed, run.size)
        separate = stack.separate
        levels = np.unique(stack.sigmas) if separate else [run.sigma, stack.high]
    levels = np.asarray(levels)
    levels = levels[levels >= run.sigma * (1 - 1e-9)]
    field = at(run.sigma)
    return Driver(field, field, at, levels, continuous=not separate)


def _member(stack: Stack, seed: int, size: float, sigma: float) -> Field:
    return stack.field(sigma, seed, size)
