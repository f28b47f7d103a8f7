"""From a configuration and data to trained auto-encoders."""

from collections.abc import Callable

import numpy as np
import torch

from autoscore.autoencoders.conditioned import MARGIN, Conditioned
from autoscore.autoencoders.ensemble import Architecture, Ensemble
from autoscore.autoencoders.stack import Stack
from autoscore.batches import Batch, SampleBatches, quadrature_batch
from autoscore.densities.base import Density
from autoscore.densities.kernels import fit_bandwidth
from autoscore.grids import noise_levels
from autoscore.randomness import generator
from autoscore.training import GROUPS, Schedule, Trace, fit, silent

SMOOTHED = 1000  # points that tell how thick the data are

Streams = tuple[int, str, str, str]  # global seed, density, objective, model


def sample_sizes(settings: dict, data: dict[str, np.ndarray]) -> list[int]:
    """Return the finite numbers of training points that the settings ask for."""
    available = data["train"].shape[1]
    return [available if size == "all" else size for size in settings["sizes"] if size != "exact"]


def train_exact_ensemble(
    density: Density,
    settings: dict,
    objective: str,
    streams: Streams,
    report: Callable[[str], None] = silent,
    members: list[int] | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Ensemble, Trace]:
    """Train one auto-encoder a noise level and seed on the density itself.

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
    return ensemble, _fit_on(device, ensemble, objective, data, schedule, None, report)


def train_sample_ensemble(
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
    `train_exact_ensemble`, but for `data`, which `autoscore.data.make_data` returned.
    """
    levels, at = _members(settings)
    asked = sample_sizes(settings, data)
    sizes = np.repeat(asked, len(levels))
    sigmas, seeds = np.tile(levels, len(asked)), np.tile(at, len(asked))
    points, shift, _, scale = _standard(data, settings, sizes, seeds)
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
        batches = _batches(points, settings, objective, streams, stack, stack.sigmas, device)
        held_out = validation_batch(data, objective, stack, stack.sigmas[:, None], streams)
        return _fit_on(device, stack, objective, batches, schedule, held_out, report)

    return ensemble, _descend(ensemble, train) if settings["warm_start"] else train(ensemble)


def train_conditioned(
    data: dict[str, np.ndarray],
    settings: dict,
    objective: str,
    streams: Streams,
    report: Callable[[str], None] = silent,
    members: list[int] | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Conditioned, Trace]:
    """Train one conditioned auto-encoder a number of points and seed, for all noise levels.

    Parameters are those of `train_sample_ensemble`.
    """
    asked = sample_sizes(settings, data)
    sizes = np.repeat(asked, settings["seeds"])
    seeds = np.tile(np.arange(settings["seeds"]), len(asked))
    points, shift, spreads, scale = _standard(data, settings, sizes, seeds)
    levels = noise_levels(settings["sigmas"])
    stack = Conditioned(
        points.shape[-1],
        settings["network"]["width"],
        settings["network"]["blocks"],
        levels[0] / MARGIN,
        levels[-1] * MARGIN,
        seeds.tolist(),
        sizes.tolist(),
        shift.tolist(),
        scale.tolist(),
        _thickness(data, sizes, seeds),
        spreads.tolist(),
        features=settings["network"]["features"],
        frequency=settings["network"]["frequency"],
    )
    stack.initialise([generator(*streams, "start", k) for k in seeds])
    if members is not None:
        stack = stack.take(members)
    # sliced score matching knows no noise level: the network is told always the same one
    one = objective == "ssm"
    drawn = np.full(len(stack.seeds), stack.high) if one else (stack.low, stack.high)
    batches = _batches(points, settings, objective, streams, stack, drawn, device)
    low = stack.high if one else stack.low
    spread = np.geomspace(low, stack.high, len(_validation_points(data)))
    held_out = validation_batch(data, objective, stack, spread, streams)
    schedule = Schedule(**settings["schedules"]["conditioned"])
    return stack, _fit_on(device, stack, objective, batches, schedule, held_out, report)


def _fit_on(
    device: torch.device | str,
    stack: Stack,
    objective: str,
    data: Batch | SampleBatches,
    schedule: Schedule,
    held_out: Batch | None,
    report: Callable[[str], None],
) -> Trace:
    """Train a stack on a device, where its data are, and bring it back."""
    held_out = None if held_out is None else held_out.to(device)
    stack.to(device)
    trace = fit(stack, objective, data, schedule, held_out=held_out, report=report)
    stack.to("cpu")
    return trace


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


def _standard(
    data: dict[str, np.ndarray], settings: dict, sizes: np.ndarray, seeds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return all seeds' points, (seeds, n, d), and what each member's points are like.

    Their mean and the standard deviations of their coordinates, (m, d), and the mean of these,
    (m,).
    """
    points = data["train"][: settings["seeds"]]
    points = np.broadcast_to(points, (settings["seeds"], *points.shape[1:]))
    pairs = [(seed, int(size)) for seed, size in zip(seeds, sizes, strict=True)]
    shown = {(seed, size): points[seed, :size] for seed, size in set(pairs)}
    shift = np.stack([shown[pair].mean(0) for pair in pairs])
    spreads = np.stack([_spreads(shown[pair]) for pair in pairs])
    scale = spreads.mean(1)
    # points at one place have no spread: then noise alone has a length
    return points, shift, spreads, np.where(scale > 0, scale, noise_levels(settings["sigmas"])[0])


def _spreads(points: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each coordinate, 0 where rounding alone would give one."""
    return np.where(np.ptp(points, axis=0) > 0, points.std(0), 0.0)


def _thickness(data: dict[str, np.ndarray], sizes: np.ndarray, seeds: np.ndarray) -> list[float]:
    """Return the scale on which each member's points are smooth.

    It is the bandwidth of the kernel density estimate that is likeliest on the validation points:
    wide for a smooth density, and as narrow as the points allow for a bare curve.
    """
    points, validation = data["train"], data["validation"][:SMOOTHED]
    if not len(validation):
        return [0.0] * len(sizes)
    found = {
        (seed, size): fit_bandwidth(points[min(seed, len(points) - 1), :size], validation).bandwidth
        for seed, size in zip(seeds, np.minimum(sizes, SMOOTHED), strict=True)
    }
    return [found[pair] for pair in zip(seeds, np.minimum(sizes, SMOOTHED), strict=True)]


def _batches(
    points: np.ndarray,
    settings: dict,
    objective: str,
    streams: Streams,
    stack: Stack,
    sigmas: np.ndarray | tuple[float, float],
    device: torch.device | str,
) -> SampleBatches:
    """Return the minibatches of all members, each seed with a stream of its own."""
    return SampleBatches(
        points,
        stack.sizes,
        stack.seeds,
        sigmas,
        [generator(*streams, "batches", k) for k in range(settings["seeds"])],
        noise=settings["noise"],
        corrupt=objective != "rcae",
        paired=None if objective == "dae" else False,
        shift=stack.shift,
        scale=stack.scale,
        dtype=stack.theta.dtype,
        device=device,
    )


def _validation_points(data: dict[str, np.ndarray]) -> np.ndarray:
    """Return the validation points that are used, ``(n, d)``.

    They are as many as make e and -e of a point fall into one of the groups by which held-out
    losses are judged.
    """
    clean = data["validation"]
    return clean[: len(clean) - len(clean) % GROUPS] if len(clean) >= GROUPS else clean


def validation_batch(
    data: dict[str, np.ndarray],
    objective: str,
    stack: Stack,
    sigmas: np.ndarray,
    streams: Streams,
) -> Batch | None:
    """Return the validation points, once noised, for every member; None if there are none.

    `sigmas` are levels for each member, ``(m, 1)``, or for each point, ``(n,)``.
    """
    clean = _validation_points(data)
    if not len(clean):
        return None
    shape = (max(stack.seeds) + 1, *clean.shape)
    normal = generator(*streams, "validation").standard_normal(shape)[stack.seeds]
    sigmas = np.broadcast_to(sigmas, (len(normal), len(clean)))
    noise = sigmas[..., None] * normal * (objective != "rcae")
    noisy = np.concatenate([clean + noise, clean - noise], axis=1)
    targets = np.broadcast_to(np.tile(clean, (2, 1)), noisy.shape)
    parts = (
        stack.inward(noisy),
        stack.inward(targets),
        np.tile(sigmas, 2) / stack.scale[:, None],
    )
    return Batch(*(torch.as_tensor(part, dtype=stack.theta.dtype) for part in parts))


def trace_rows(stack: Stack, trace: Trace) -> list[dict]:
    """Return the losses along the way as rows: step, member, sigma, seed, n, loss / sigma^2."""
    sigmas = getattr(stack, "sigmas", np.full(len(stack.seeds), np.nan))
    return [
        {"step": step, "sigma": sigma, "seed": seed, "n": size, "loss": float(loss)}
        for step, losses in zip(trace.steps, trace.losses, strict=True)
        for sigma, seed, size, loss in zip(sigmas, stack.seeds, stack.sizes, losses, strict=True)
    ]
