"""What all trainings on a density need: standardised points, batches, validation points."""

from collections.abc import Callable

import numpy as np
import torch

from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.train.batches import Batch, SampleBatches
from autoscore.train.fit import GROUPS, Schedule, Trace, fit
from autoscore.train.stack import Stack

Streams = tuple[int, str, str, str]  # global seed, density, objective, model


def sample_sizes(settings: dict, data: dict[str, np.ndarray]) -> list[int]:
    """Return the finite numbers of training points that the settings ask for."""
    available = data["train"].shape[1]
    return [available if size == "all" else size for size in settings["sizes"] if size != "exact"]


def fit_on(
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


def standardised(
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


def batches_of(
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


def validation_points(data: dict[str, np.ndarray]) -> np.ndarray:
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
    clean = validation_points(data)
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
