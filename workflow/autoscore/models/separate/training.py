"""Training separate auto-encoders, on a density itself or on samples."""

from collections.abc import Callable

import numpy as np
import torch

from autoscore.densities.base import Density
from autoscore.models.separate import recipe
from autoscore.models.separate.least_squares import average_targets, solve_decoders
from autoscore.models.separate.network import Architecture, Separate
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.train.batches import Batch, SampleBatches, quadrature_batch
from autoscore.train.fit import Schedule, Trace, fit, silent
from autoscore.train.setups import (
    Streams,
    fit_to_samples,
    member_grid,
    sample_batches,
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
    """Train one auto-encoder per noise level and seed on the density itself, with d = 1.

    `settings` are the ``train`` section of its configuration, `objective` is ``"dae"`` or
    ``"rcae"``, and `streams` name the random streams. `report` takes messages on the progress. Of
    all `members` only these are trained, if given by their places; see `autoscore.shards`. The
    device changes no random number.
    """
    sizes, sigmas, seeds = member_grid(
        [np.inf], noise_levels(settings["sigmas"]), settings["seeds"]
    )
    batch = quadrature_batch(density, objective, sigmas, settings["nodes"])
    mean = batch.mean(batch.inputs[..., 0])[:, None]
    spread = batch.mean((batch.inputs[..., 0] - mean) ** 2).sqrt()
    # identical points have no spread: then the noise sets the scale
    alike = (batch.inputs == batch.inputs[:, :1]).all(1)[:, 0]
    spread = torch.where(alike, torch.as_tensor(sigmas), spread)
    separate = Separate(
        density.dim,
        Architecture(**settings["architecture"]),
        sigmas.tolist(),
        seeds.tolist(),
        sizes.tolist(),
        mean.tolist(),
        spread.tolist(),
    )
    # quadrature nodes are not draws: where the units switch is drawn by the nodes' weights
    generators = [generator(*streams, "start", seed) for seed in seeds]
    quadratures = zip(batch.inputs.numpy(), batch.weights.numpy(), generators, strict=True)
    drawn = [
        nodes[rng.choice(len(nodes), size=256, p=weights / weights.sum())]
        for nodes, weights, rng in quadratures
    ]
    separate.initialise(np.stack(drawn), generators)
    batch = batch.inward(separate.shift, separate.scale)
    if members is not None:
        separate, batch = separate.take(members), batch.take(members)
    schedule = Schedule(**settings["schedules"]["exact"])
    return separate, fit(separate, objective, batch.to(device), schedule, report=report)


def train_on_samples(
    data: dict[str, np.ndarray],
    settings: dict,
    objective: str,
    streams: Streams,
    report: Callable[[str], None] = silent,
    members: list[int] | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Separate, Trace]:
    """Train one auto-encoder per number of points, noise level and seed on finite samples.

    Earlier weights are kept if validation points prefer them. `data` are those of
    `autoscore.data.draw_data`, other parameters those of `train_exact`.
    """
    sizes, sigmas, seeds = member_grid(
        sample_sizes(settings, data), noise_levels(settings["sigmas"]), settings["seeds"]
    )
    points, shift, _, scale = standardised(data, settings, sizes, seeds)
    optimiser = settings["optimiser"]
    if optimiser == "bfgs":  # as published: the coordinates of the data themselves
        shift, scale = np.zeros_like(shift), np.ones_like(scale)
    # weights that pass from level to level must mean the same at each
    elif objective != "rcae" and not settings["warm_start"]:
        scale = np.hypot(scale, sigmas)
    separate = Separate(
        points.shape[-1],
        Architecture(**settings["architecture"]),
        sigmas.tolist(),
        seeds.tolist(),
        sizes.tolist(),
        shift.tolist(),
        scale.tolist(),
        precision="single",
    )
    generators = [generator(*streams, "start", k) for k in seeds]
    if optimiser == "bfgs":
        recipe.start(separate, generators)
    else:
        shown = [points[k, np.arange(256) % n] for k, n in zip(seeds, sizes, strict=True)]
        separate.initialise(np.stack(shown), generators)
    if members is not None:
        separate = separate.take(members)

    def train(stack: Separate) -> Trace:
        levels, checked = stack.sigmas, stack.sigmas[:, None]
        if optimiser == "adam":
            asked = (points, data, settings, objective, streams, levels, checked)
            return fit_to_samples(stack, *asked, "samples", report, device)
        batches = sample_batches(stack, points, settings, objective, streams, levels, "cpu")
        plan = Schedule(**settings["schedules"]["samples"])
        if optimiser == "bfgs":
            return recipe.follow(stack, batches.every_point(), plan.steps, plan.checks, report)
        held_out = validation_batch(data, objective, stack, checked, streams)
        if held_out is not None:
            held_out = average_targets(held_out, stack.inward(data["validation"]))
        return solve_decoders(stack, _for_decoders(stack, batches, plan), held_out, report)

    if settings["warm_start"]:
        return separate, _descend(separate, train)
    return separate, train(separate)


def _for_decoders(separate: Separate, batches: SampleBatches, plan: Schedule) -> Batch:
    """Return new noise with averaged targets, or every point under noise that is drawn once."""
    if batches.noise == "fixed":
        return batches.every_point()
    inward = [
        (batches.points[seed, : int(size)] - shift) / scale
        for seed, size, shift, scale in zip(
            separate.seeds, separate.sizes, separate.shift, separate.scale, strict=True
        )
    ]
    return average_targets(batches.draw(plan.batch), inward)


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
