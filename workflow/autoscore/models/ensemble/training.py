"""Training separate auto-encoders, on a density itself or on samples."""

from collections.abc import Callable

import numpy as np
import torch

from autoscore.batches import quadrature_batch
from autoscore.densities.base import Density
from autoscore.grids import noise_levels
from autoscore.models.ensemble.network import Architecture, Ensemble
from autoscore.randomness import generator
from autoscore.setups import (
    Streams,
    batches_of,
    fit_on,
    sample_sizes,
    standardised,
    validation_batch,
)
from autoscore.training import Schedule, Trace, silent


def train_exact(
    density: Density,
    settings: dict,
    objective: str,
    streams: Streams,
    report: Callable[[str], None] = silent,
    members: list[int] | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Ensemble, Trace]:
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
        Which of them, by their places among all; None for all. See `autoscore.blocks`.
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
    ensemble = Ensemble(
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
    ensemble.initialise(np.stack(drawn), generators)
    batch = batch.inward(ensemble.shift, ensemble.scale)
    if members is not None:
        ensemble, batch = ensemble.take(members), batch.take(members)
    schedule = Schedule(**settings["schedules"]["exact"])
    data = batch.to(device)
    return ensemble, fit_on(device, ensemble, objective, data, schedule, None, report)


def train_on_samples(
    data: dict[str, np.ndarray],
    settings: dict,
    objective: str,
    streams: Streams,
    report: Callable[[str], None] = silent,
    members: list[int] | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Ensemble, Trace]:
    """Train one auto-encoder a number of points, noise level and seed on finite samples.

    Each keeps the weights that were best on the validation points. Parameters are those of
    `train_exact`, but for `data`, which `autoscore.data.make_data` returned.
    """
    levels, at = _members(settings)
    asked = sample_sizes(settings, data)
    sizes = np.repeat(asked, len(levels))
    sigmas, seeds = np.tile(levels, len(asked)), np.tile(at, len(asked))
    points, shift, _, scale = standardised(data, settings, sizes, seeds)
    ensemble = Ensemble(
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
    ensemble.initialise(
        np.stack([points[k, np.arange(256) % n] for k, n in zip(seeds, sizes, strict=True)]),
        [generator(*streams, "start", k) for k in seeds],
    )
    if members is not None:
        ensemble = ensemble.take(members)
    schedule = Schedule(**settings["schedules"]["samples"])

    def train(stack: Ensemble) -> Trace:
        batches = batches_of(points, settings, objective, streams, stack, stack.sigmas, device)
        held_out = validation_batch(data, objective, stack, stack.sigmas[:, None], streams)
        return fit_on(device, stack, objective, batches, schedule, held_out, report)

    return ensemble, _descend(ensemble, train) if settings["warm_start"] else train(ensemble)


def _descend(ensemble: Ensemble, train: Callable[[Ensemble], Trace]) -> Trace:
    """Train from the largest noise level down, each level from the weights of the one above."""
    trace, theta = Trace(), None
    for sigma in np.unique(ensemble.sigmas)[::-1]:
        members = np.flatnonzero(ensemble.sigmas == sigma)
        level = ensemble.take(members.tolist())
        level.theta = level.theta if theta is None else theta
        found = train(level)
        theta = ensemble.theta[members] = level.theta
        if not trace.steps:
            trace.steps = found.steps
            trace.losses = [torch.zeros(len(ensemble.sigmas)) for _ in found.losses]
        for whole, part in zip(trace.losses, found.losses, strict=True):
            whole[members] = part.to(whole)
    return trace


def _members(settings: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return the noise level and the seed of each (level, seed) pair, level by level."""
    levels = noise_levels(settings["sigmas"])
    seeds = np.arange(settings["seeds"])
    return np.repeat(levels, len(seeds)), np.tile(seeds, len(levels))
