"""Images drawn from trained models: chains at one noise level, and descents of the noise grid."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from autoscore.fields import Field
from autoscore.images.data import Images
from autoscore.images.distances import nearest_points
from autoscore.images.fields import fields_at
from autoscore.images.quality import Quality
from autoscore.numerics.streams import generator
from autoscore.samplers.anneal import annealed_langevin, flow, spaced_levels
from autoscore.samplers.chains import run
from autoscore.samplers.declaration import Parts
from autoscore.samplers.registry import SAMPLERS
from autoscore.train.stack import Stack

PATH_NODES = 3  # of the energy differences that adjust Langevin's proposals
FIRST_STEP = 0.02  # of adjusted Langevin before tuning, in units of sigma^2
SHOWN = 100  # samples stored of each run
CONSECUTIVE = (8, 20)  # chains, and first steps of each, that are stored
CHAINS = (("dae_chain", "data"), ("dae_chain", "noise"), ("walkback", "data"))
CHAINS += (("mala", "data"), ("mala", "noise"))


@dataclass(frozen=True)
class Drawn:
    """What one sampler drew with one model, started from ``data`` or ``noise``.

    `sigma` is the noise level, the last one of a descent. `samples` ``(n, d)``, chain by chain, are
    reconstructions where the sampler's own draws are noisy. `chains` is 0 for independent samples,
    which have no `consecutive` first steps ``(chains, steps, d)``. `acceptance` is the accepted
    share of proposals.
    """

    model: str
    sampler: str
    start: str
    sigma: float
    samples: np.ndarray
    chains: int
    consecutive: np.ndarray | None
    acceptance: float
    seconds: float

    @property
    def name(self) -> str:
        """The run's name in stored arrays."""
        return f"{self.model}-{self.sampler}-{self.start}"


def draw_all(
    images: Images,
    model: str,
    stack: Stack,
    settings: dict,
    seed: int,
    report: Callable[[str], object],
) -> Iterator[Drawn]:
    """Run every sampler on one model, and name each to `report`.

    Chains at one level run with separate auto-encoders only. `settings` is the ``sample`` section
    of the images' configuration, `seed` that of the whole run.
    """
    field_at, sigma = fields_at(stack, images.linear), settings["sigma"]
    if stack.separate and len(stack.known([sigma])):
        for sampler, start in CHAINS:
            report(f"{sampler} from {start}")
            yield _chains(images, model, field_at(sigma), sampler, start, settings, seed)
    for sampler in ("annealed_langevin", "flow"):
        report(sampler)
        yield _descent(images, model, stack, sampler, settings, seed)


def noise_schedule(stack: Stack, count: int, last: float) -> np.ndarray:
    """Return the decreasing noise levels of a descent.

    They are a separate stack's own levels, or `count` levels of a conditioned one, down to `last`
    or its least level.
    """
    if stack.separate:
        return np.sort(stack.sigmas)[::-1]
    end = max(last, stack.low)
    return np.clip(spaced_levels(stack.high, end, count), end, stack.high)


def _generators(seed: int, *names: object, count: int) -> list[np.random.Generator]:
    return [generator(seed, "images", *names, chain) for chain in range(count)]


def _chains(
    images: Images, model: str, field: Field, sampler: str, start: str, settings: dict, seed: int
) -> Drawn:
    registered = SAMPLERS[sampler]
    first_step = FIRST_STEP * field.sigma**2 if registered.acceptance is not None else None
    # in so many dimensions a drift is long beside its noise, and is not cut
    parts = Parts(field, field, PATH_NODES, images.train, step=first_step, longest_drift=np.inf)
    count, names = settings["chains"], (model, sampler, start)
    rng = generator(seed, "images", *names, "start")
    if start == "data":
        x = images.held_out[rng.permutation(len(images.held_out))[:count]].astype(float)
    else:
        x = images.linear.mean + rng.standard_normal((count, field.dim))
    noisy = sampler == "mala"  # it samples p_sigma, the others reconstruct at every step
    if noisy and start == "data":
        x += field.sigma * rng.standard_normal(x.shape)
    began = time.perf_counter()
    found = run(
        registered.make(parts),
        x,
        settings["draws"],
        _generators(seed, *names, count=len(x)),
        burn_in=settings["burn_in"],
        thin=settings["thin"],
        target_acceptance=registered.target_acceptance(field.dim),
    )
    seconds = time.perf_counter() - began
    few, steps = CONSECUTIVE
    first = run(found.kernel, x[:few], steps, _generators(seed, *names, count=min(few, len(x))))
    draws, shown = found.draws.reshape(-1, field.dim), first.draws
    if noisy:
        draws = field(draws)
        shown = field(shown.reshape(-1, field.dim)).reshape(shown.shape)
    return Drawn(*names, field.sigma, draws, len(x), shown, float(found.acceptance.mean()), seconds)


def _descent(
    images: Images, model: str, stack: Stack, sampler: str, settings: dict, seed: int
) -> Drawn:
    levels = noise_schedule(stack, settings["levels"], settings["last"])
    linear, last = images.linear, float(levels[-1])
    # a conditioned model works in principal coordinates: turning at every level would cost a third
    turned = not stack.separate
    field_at = fields_at(stack, linear, principal=turned)
    count = settings["samples" if turned and sampler == "flow" else "fewer"]
    rng = generator(seed, "images", model, sampler, "start")
    x = linear.sample(count, rng, float(levels[0]))
    began = time.perf_counter()
    x = (x - linear.mean) @ linear.axes if turned else x
    if sampler == "flow":
        # the last step is the reconstruction itself
        samples = flow(field_at, x, np.append(levels, 0.0))
    else:
        chains = _generators(seed, model, sampler, count=count)
        noisy = annealed_langevin(field_at, x, levels, settings["steps_a_level"], chains)
        samples = field_at(last)(noisy)
    samples = linear.mean + samples @ linear.axes.T if turned else samples
    seconds = time.perf_counter() - began
    return Drawn(model, sampler, "noise", last, samples, 0, None, 1.0, seconds)


def drawn_row(drawn: Drawn, quality: Quality) -> dict:
    """Return the measures of a run's samples (see `Quality.row`), labelled."""
    names = ("model", "sampler", "start", "sigma", "acceptance", "seconds")
    labels = {"source": "measured"} | {name: getattr(drawn, name) for name in names}
    return labels | quality.row(drawn.samples, drawn.chains)


def shown_arrays(drawn: Drawn, quality: Quality) -> dict[str, np.ndarray]:
    """Return what figures show of a run: some samples, their nearest images, first steps."""
    chosen = np.linspace(0, len(drawn.samples) - 1, SHOWN).astype(int)
    some = drawn.samples[chosen].astype(np.float32)
    _, nearest = nearest_points(some, quality.prepared)
    arrays = {drawn.name: some, f"{drawn.name}-nearest": quality.images.train[nearest]}
    if drawn.consecutive is not None:
        arrays[f"{drawn.name}-consecutive"] = drawn.consecutive.astype(np.float32)
    return arrays
