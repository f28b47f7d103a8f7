"""Images drawn from trained models: chains at one noise level, and ways down the noise grid."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from autoscore.fields import Field
from autoscore.images.data import Images
from autoscore.images.distances import nearest_points
from autoscore.images.fields import fields_at, principal_fields_at
from autoscore.images.quality import Quality
from autoscore.numerics.streams import generator
from autoscore.samplers.anneal import annealed_langevin, flow, spaced_levels
from autoscore.samplers.chains import run
from autoscore.samplers.declaration import Parts
from autoscore.samplers.registry import SAMPLERS
from autoscore.train.stack import Stack

PATH_NODES = 3  # of the energy differences that adjust Langevin's move
FIRST_STEP = 0.02  # of it, in units of sigma^2, before it is tuned
SHOWN = 100  # samples that are stored of each run
CONSECUTIVE = (8, 20)  # chains and steps of them that are shown one after another
CHAINS = (("dae_chain", "data"), ("dae_chain", "noise"), ("walkback", "data"))
CHAINS += (("mala", "data"), ("mala", "noise"))


@dataclass(frozen=True)
class Drawn:
    """What one sampler left.

    Attributes
    ----------
    model, sampler, start : str
        What it was driven by, its name, and where it began: ``data`` or ``noise``.
    sigma : float
        Its noise level, or the last one on the way down.
    samples : numpy.ndarray
        Shape ``(n, d)``: reconstructions, where the chain itself is noisy; of chains one draw after
        another, chain by chain.
    chains : int
        Number of chains, 0 where all samples are independent.
    consecutive : numpy.ndarray or None
        The first steps of some chains, ``(chains, steps, d)``.
    acceptance : float
        Share of proposals that were accepted, 1 where all are.
    seconds : float
        Time that it took.
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
    """Run every sampler on one model.

    Parameters
    ----------
    images
        Where chains may begin.
    model, stack
        The model that drives them, and its name: chains at one level for separate auto-encoders,
        the ways down the noise grid for all.
    settings
        The ``sample`` section of the images' configuration.
    seed
        Of the whole run.
    report
        Is told which sampler is at work.
    """
    field_at, sigma = fields_at(stack, images.linear), settings["sigma"]
    if stack.separate and len(stack.known([sigma])):
        for sampler, start in CHAINS:
            report(f"{sampler} from {start}")
            yield _chains(images, model, field_at(sigma), sampler, start, settings, seed)
    levels = noise_schedule(stack, settings["levels"], settings["last"])
    for sampler in ("annealed_langevin", "flow"):
        report(sampler)
        many = sampler == "flow" and not stack.separate
        count = settings["samples" if many else "fewer"]
        yield _descent(images, model, stack, sampler, levels, count, settings, seed)


def noise_schedule(stack: Stack, count: int, last: float) -> np.ndarray:
    """Return the noise levels of a way down: those that were trained, or as many as are wanted.

    Parameters
    ----------
    stack
        Separate models, which know their own levels, or a conditioned one.
    count, last
        Number of levels of a conditioned one, and where they end (or at its least level).
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
    # in so many dimensions a drift is long beside its noise, and is not cut
    parts = Parts(field, field, PATH_NODES, images.train, longest_drift=np.inf)
    registered = SAMPLERS[sampler]
    tuned = registered.acceptance is not None
    parts = replace(parts, step=FIRST_STEP * field.sigma**2) if tuned else parts
    kernel = registered.make(parts)
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
        kernel,
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
    acceptance = float(found.acceptance.mean())
    labels = (model, sampler, start, field.sigma)
    return Drawn(*labels, draws, len(x), shown, acceptance, seconds)


def _descent(
    images: Images,
    model: str,
    stack: Stack,
    sampler: str,
    levels: np.ndarray,
    count: int,
    settings: dict,
    seed: int,
) -> Drawn:
    linear = images.linear
    # ours is at home in principal coordinates: turning at every level would cost a third as much
    turned = not stack.separate
    field_at = (principal_fields_at if turned else fields_at)(stack, linear)
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
        samples = field_at(float(levels[-1]))(noisy)
    samples = linear.mean + samples @ linear.axes.T if turned else samples
    seconds = time.perf_counter() - began
    labels = (model, sampler, "noise", float(levels[-1]))
    return Drawn(*labels, samples, 0, None, 1.0, seconds)


def drawn_row(drawn: Drawn, quality: Quality) -> dict:
    """Return the measures of what a sampler drew, see `Quality.row`, with what it was."""
    row = {"source": "measured", "model": drawn.model, "sampler": drawn.sampler}
    row |= {"start": drawn.start, "sigma": drawn.sigma, "acceptance": drawn.acceptance}
    return row | {"seconds": drawn.seconds} | quality.row(drawn.samples, drawn.chains)


def shown_arrays(drawn: Drawn, quality: Quality) -> dict[str, np.ndarray]:
    """Return what figures show of a run: first samples, their nearest images, first steps."""
    first = drawn.samples[np.linspace(0, len(drawn.samples) - 1, SHOWN).astype(int)]
    first = first.astype(np.float32)
    _, nearest = nearest_points(first, quality.prepared)
    arrays = {drawn.name: first, f"{drawn.name}-nearest": quality.images.train[nearest]}
    if drawn.consecutive is not None:
        arrays[f"{drawn.name}-consecutive"] = drawn.consecutive.astype(np.float32)
    return arrays
