"""Training separate auto-encoders, on a density itself or on samples."""

from collections.abc import Callable

import numpy as np
import torch

from autoscore.densities.base import Density
from autoscore.models.separate.network import Architecture, Separate
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.train.batches import quadrature_batch
from autoscore.train.fit import Schedule, Trace, silent
from autoscore.train.setups import (
    Streams,
    batches_of,
    fit_on,
    sample_sizes,
    standardised,
    validation_batch,
)


def train_exact(
    density: Density,
    settings: dict,
    objective: str,
    streams: Streams,
    report: Callable[[str], None] = silent,
    members: list[int] | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Separate, Trace]:
    """Train one auto-encoder per noise level and seed on the density itself.

    Parameters
    ----------
    density
        Target with d = 1.
    settings
        The ``train`` section of its configuration.
    objective
        ``"dae"`` or ``"rcae"``.
    streams
        Names the random streams.
    report
        Is told the progress.
    members
        Which of them, by their places among all; None for all. See `autoscore.shards`.
    device
        Where they are trained; the random numbers are the same everywhere, and the result is
        returned on the processor.
    """
    sigmas, seeds = _members(settings)
    batch = quadrature_batch(density, objective, sigmas, settings["nodes"])
    mean = batch.mean(batch.inputs[..., 0])[:, None]
    spread = batch.mean((batch.inputs[..., 0] - mean) ** 2).sqrt()
    # points at one place have no spread: then noise alone has a length
    alike = (batch.inputs == batch.inputs[:, :1]).all(1)[:, 0]
    spread = torch.where(alike, torch.as_tensor(sigmas), spread)
    separate = Separate(
        density.dim,
        Architecture(**settings["architecture"]),
        sigmas.tolist(),
        seeds.tolist(),
        [np.inf] * len(seeds),
        mean.tolist(),
        spread.tolist(),
    )
    # quadrature nodes are no draws: where the units switch is drawn by the nodes' weights
    generators = [generator(*streams, "start", seed) for seed in seeds]
    drawn = [
        inputs[rng.choice(len(inputs), size=256, p=weights / weights.sum())]
        for inputs, weights, rng in zip(
            batch.inputs.numpy(), batch.weights.numpy(), generators, strict=True
        )
    ]
    separate.initialise(np.stack(drawn), generators)
    batch = batch.inward(separate.shift, separate.scale)
    if members is not None:
        separate, batch = separate.take(members), batch.take(members)
    schedule = Schedule(**settings["schedules"]["exact"])
    data = batch.to(device)
    return separate, fit_on(device, separate, objective, data, schedule, None, report)


def train_on_samples(
    data: dict[str, np.ndarray],
    settings: dict,
    objective: str,
    streams: Streams,
    report: Callable[[str], None] = silent,
    members: list[int] | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Separate, Trace]:
    """Train one auto-encoder a number of points, noise level and seed on finite samples.

    Each keeps the weights that were best on the validation points. Parameters are those of
    `train_exact`, but for `data`, which `autoscore.data.draw_data` returned.
    """
    levels, at = _members(settings)
    asked = sample_sizes(settings, data)
    sizes = np.repeat(asked, len(levels))
    sigmas, seeds = np.tile(levels, len(asked)), np.tile(at, len(asked))
    points, shift, _, scale = standardised(data, settings, sizes, seeds)
    separate = Separate(
        points.shape[-1],
        Architecture(**settings["architecture"]),
        sigmas.tolist(),
        seeds.tolist(),
        sizes.tolist(),
        shift.tolist(),
        # weights that are handed down a level must mean the same there
        (
            scale if objective == "rcae" or settings["warm_start"] else np.hypot(scale, sigmas)
        ).tolist(),
        precision="single",
    )
    separate.initialise(
        np.stack([points[k, np.arange(256) % n] for k, n in zip(seeds, sizes, strict=True)]),
        [generator(*streams, "start", k) for k in seeds],
    )
    if members is not None:
        separate = separate.take(members)
    schedule = Schedule(**settings["schedules"]["samples"])

    def train(stack: Separate) -> Trace:
        batches = batches_of(points, settings, objective, streams, stack, stack.sigmas, device)
        held_out = validation_batch(data, objective, stack, stack.sigmas[:, None], streams)
        return fit_on(device, stack, objective, batches, schedule, held_out, report)

    return separate, _descend(separate, train) if settings["warm_start"] else train(separate)


def _descend(separate: Separate, train: Callable[[Separate], Trace]) -> Trace:
    """Train from the largest noise level down, each level from the weights of the one above."""
    trace, theta = Trace(), None
    for sigma in np.unique(separate.sigmas)[::-1]:
        members = np.flatnonzero(separate.sigmas == sigma)
        level = separate.take(members.tolist())
        level.theta = level.theta if theta is None else theta
        found = train(level)
        theta = separate.theta[members] = level.theta
        if not trace.steps:
            trace.steps = found.steps
            trace.losses = [torch.zeros(len(separate.sigmas)) for _ in found.losses]
        for whole, part in zip(trace.losses, found.losses, strict=True):
            whole[members] = part.to(whole)
    return trace


def _members(settings: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return the noise level and the seed of each (level, seed) pair, level by level."""
    levels = noise_levels(settings["sigmas"])
    seeds = np.arange(settings["seeds"])
    return np.repeat(levels, len(seeds)), np.tile(seeds, len(levels))
