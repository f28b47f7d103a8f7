"""From the plans of a configuration to single runs, and to the fields that drive them.

A plan is a set of fields, samplers, noise levels and seeds, and how long chains are; a run is one
of each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from autoscore.densities.base import Density
from autoscore.fields import Field, FieldAt
from autoscore.models.registry import Learned
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.samplers.targets import ExactField, Scored
from autoscore.score.estimates import combine_levels
from autoscore.train.stack import Stack

EXACT_STEP = 0.1  # of Langevin's method, for an exact field whose sampler has no step
HIGHEST = 4.0  # noise in units of the data's spread at which hardly anything else is left


@dataclass(frozen=True)
class Run:
    """One sampler on one field.

    ``model`` is empty for exact fields and optima; ``sigma`` is the field's noise level, 0 for
    estimates of the clean score; ``seed`` is that of training and chains; ``size`` is the number
    of training points, inf without training; a ``step`` of None is left to tuning or the sampler.
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
    """Yield every run of the plans, by name as in the configuration; those of a field together."""
    for name, plan in plans.items():
        for field in plan["fields"]:
            for model, sigma, seed, size in _drivers(plan, field, learned):
                for sampler in plan["samplers"]:
                    steps = plan["steps"]
                    steps = steps.get(sampler, []) if isinstance(steps, dict) else steps
                    for step in list(np.atleast_1d(steps)) or [None]:
                        yield Run(name, field, model, sampler, sigma, seed, size, step)


def _drivers(plan: dict, field: str, learned: Learned) -> Iterator[tuple[str, float, int, float]]:
    """Yield model, sigma, seed and number of training points of each field of a plan."""
    levels = noise_levels(plan["sigmas"]) if field in ("optimum", "learned") else np.zeros(1)
    if field in ("exact", "optimum"):
        for sigma in levels.tolist():
            for seed in range(plan["repeats"]):
                yield "", sigma, seed, np.inf
        return
    for model in plan["models"]:
        stack = stack_of(learned, model)
        seeds = np.unique(stack.seeds)[: plan["repeats"]].tolist()
        for size in plan["sizes"] or np.unique(stack.sizes).tolist():
            for sigma in levels.tolist():
                for seed in seeds:
                    yield model, sigma, int(seed), float(size)


def stack_of(learned: Learned, model: str) -> Stack:
    """Return the stack of a model that was trained on samples, for the denoising objective."""
    return learned["dae", model, "samples"]


@dataclass(frozen=True)
class Driver:
    """What drives chains: the `source` that is sampled, and the field with that score.

    For samplers that go down the noise grid, `field_at` returns the field at other `levels`, which
    increase from its own; if it is `continuous`, at all between the lowest and the highest.
    """

    source: Scored
    field: Field
    field_at: FieldAt | None = None
    levels: np.ndarray | None = None
    continuous: bool = False


def make_driver(
    run: Run, density: Density, learned: Learned, data: dict[str, np.ndarray]
) -> Driver:
    """Return what drives the chains of a run on a density.

    `learned` are trained stacks, `data` the samples that they were trained on. Raises ValueError
    if a model has no such level, seed or size.
    """
    if run.field == "exact":
        # in the authors' repository, r is the whole drift of Langevin's step, after its noise
        return Driver(density, ExactField(density, (run.step or EXACT_STEP) / np.sqrt(2)))
    if run.field == "extrapolated":
        choice = combine_levels(stack_of(learned, run.model), run.seed, int(run.size), data)
        field = choice.field()
        return Driver(field, field)
    if run.field == "optimum":
        field_at: FieldAt = partial(DenoisingOptimum, density)
        levels = np.array([run.sigma, HIGHEST * data["train"][0].std(0).max()])
        separate = False
    else:
        stack = stack_of(learned, run.model)
        field_at = partial(stack.field, seed=run.seed, size=run.size)
        separate = stack.separate
        levels = np.unique(stack.sigmas) if separate else np.array([run.sigma, stack.high])
    levels = levels[levels >= run.sigma * (1 - 1e-9)]
    field = field_at(run.sigma)
    return Driver(field, field, field_at, levels, continuous=not separate)
