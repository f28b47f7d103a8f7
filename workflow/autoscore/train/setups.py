"""What all trainings on a density need: standardised points, batches, validation points."""

from collections.abc import Callable

import numpy as np
import torch

from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.train.batches import Batch, SampleBatches
from autoscore.train.fit import GROUPS, Schedule, Trace, fit
from autoscore.train.stack import Stack

VALIDATED = 1000  # points at which weights are compared, at most: a look costs as much as steps
Streams = tuple[int, str, str, str]  # global seed, density, objective, model


def member_grid(
    sizes: list[float], levels: np.ndarray, seeds: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each member's size, noise level and seed, ``(m,)``; seeds vary fastest."""
    grid = np.meshgrid(sizes, levels, np.arange(seeds), indexing="ij")
    return tuple(part.ravel() for part in grid)


def sample_sizes(settings: dict, data: dict[str, np.ndarray]) -> list[int]:
    """Return the finite numbers of training points that the settings ask for."""
    available = data["train"].shape[1]
    return [available if size == "all" else size for size in settings["sizes"] if size != "exact"]


def standardised(
    data: dict[str, np.ndarray], settings: dict, sizes: np.ndarray, seeds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return all seeds' points, ``(seeds, n, d)``, and the moments of each member's points.

    These are the mean and standard deviation of each coordinate, ``(m, d)``, and the average
    standard deviation, ``(m,)``.
    """
    points = data["train"][: settings["seeds"]]
    points = np.broadcast_to(points, (settings["seeds"], *points.shape[1:]))
    pairs = [(seed, int(size)) for seed, size in zip(seeds, sizes, strict=True)]
    shown = {(seed, size): points[seed, :size] for seed, size in set(pairs)}
    shift = np.stack([shown[pair].mean(0) for pair in pairs])
    spreads = np.stack([_spreads(shown[pair]) for pair in pairs])
    scale = spreads.mean(1)
    # identical points have no spread: then the noise sets the scale
    return points, shift, spreads, np.where(scale > 0, scale, noise_levels(settings["sigmas"])[0])


def _spreads(points: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each coordinate, 0 where rounding alone would give one."""
    return np.where(np.ptp(points, axis=0) > 0, points.std(0), 0.0)


def sample_batches(
    stack: Stack,
    points: np.ndarray,
    settings: dict,
    objective: str,
    streams: Streams,
    levels: np.ndarray | tuple[float, float],
    device: torch.device | str = "cpu",
) -> SampleBatches:
    """Return the batches on which a stack trains, with a stream per seed; see `SampleBatches`."""
    return SampleBatches(
        points,
        stack.sizes,
        stack.seeds,
        levels,
        [generator(*streams, "batches", k) for k in range(settings["seeds"])],
        noise=settings["noise"],
        corrupt=objective != "rcae",
        paired=None if objective == "dae" else False,
        shift=stack.shift,
        scale=stack.scale,
        dtype=stack.theta.dtype,
        device=device,
    )


def fit_to_samples(
    stack: Stack,
    points: np.ndarray,
    data: dict[str, np.ndarray],
    settings: dict,
    objective: str,
    streams: Streams,
    levels: np.ndarray | tuple[float, float],
    checked: np.ndarray | tuple[float, float],
    schedule: str,
    report: Callable[[str], None],
    device: torch.device | str,
) -> Trace:
    """Train a stack on minibatches of points, and on validation points.

    `levels` and `checked` are the noise levels of both; see `SampleBatches` and `validation_batch`.
    """
    batches = sample_batches(stack, points, settings, objective, streams, levels, device)
    held_out = validation_batch(data, objective, stack, checked, streams)
    plan = Schedule(**settings["schedules"][schedule])
    return fit(stack, objective, batches, plan, held_out=held_out, report=report)


def validation_batch(
    data: dict[str, np.ndarray],
    objective: str,
    stack: Stack,
    sigmas: np.ndarray | tuple[float, float],
    streams: Streams,
) -> Batch | None:
    """Return validation points under e and -e for every member; None if there are none.

    The contractive loss has them once, without noise.

    `sigmas` are the levels of each member, ``(m, 1)``, or of each point, ``(n,)``, or a range
    ``(low, high)`` over which the points are spread. As many points are used as put e and -e of a
    point into the same group, by which held-out losses are judged.
    """
    clean = data["validation"][:VALIDATED]
    if not len(clean):
        return None
    if len(clean) >= GROUPS:
        clean = clean[: len(clean) - len(clean) % GROUPS]
    if isinstance(sigmas, tuple):
        sigmas = np.geomspace(*sigmas, len(clean))
    shape = (max(stack.seeds) + 1, *clean.shape)
    normal = generator(*streams, "validation").standard_normal(shape)[stack.seeds]
    sigmas = np.broadcast_to(sigmas, (len(normal), len(clean)))
    noise = sigmas[..., None] * normal * (objective != "rcae")
    signs = (1,) if objective == "rcae" else (1, -1)
    noisy = np.concatenate([clean + sign * noise for sign in signs], axis=1)
    targets = np.broadcast_to(np.tile(clean, (len(signs), 1)), noisy.shape)
    levels = np.tile(sigmas, len(signs)) / stack.scale[:, None]
    parts = (stack.inward(noisy), stack.inward(targets), levels)
    return Batch(*(torch.as_tensor(part, dtype=stack.theta.dtype) for part in parts))


def trace_rows(stack: Stack, trace: Trace) -> list[dict]:
    """Return the losses along the way as rows: step, sigma, seed, n, loss / sigma^2."""
    sigmas = getattr(stack, "sigmas", np.full(len(stack.seeds), np.nan))
    return [
        {"step": step, "sigma": sigma, "seed": seed, "n": size, "loss": float(loss)}
        for step, losses in zip(trace.steps, trace.losses, strict=True)
        for sigma, seed, size, loss in zip(sigmas, stack.seeds, stack.sizes, losses, strict=True)
    ]
