"""Training auto-encoders that are told the noise level."""

from collections.abc import Callable

import numpy as np
import torch

from autoscore.densities.kernels import fit_bandwidth
from autoscore.models.conditioned.network import MARGIN, Conditioned
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.train.fit import Schedule, Trace, silent
from autoscore.train.setups import (
    Streams,
    batches_of,
    fit_on,
    sample_sizes,
    standardised,
    validation_batch,
    validation_points,
)

SMOOTHED = 1000  # points that tell how thick the data are


def train(
    data: dict[str, np.ndarray],
    settings: dict,
    objective: str,
    streams: Streams,
    report: Callable[[str], None] = silent,
    members: list[int] | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Conditioned, Trace]:
    """Train one conditioned auto-encoder a number of points and seed, for all noise levels.

    Parameters are those of `autoscore.models.separate.training.train_on_samples`.
    """
    asked = sample_sizes(settings, data)
    sizes = np.repeat(asked, settings["seeds"])
    seeds = np.tile(np.arange(settings["seeds"]), len(asked))
    points, shift, spreads, scale = standardised(data, settings, sizes, seeds)
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
    # sliced score matching knows no noise level: the network always gets the same one
    one = objective == "ssm"
    drawn = np.full(len(stack.seeds), stack.high) if one else (stack.low, stack.high)
    batches = batches_of(points, settings, objective, streams, stack, drawn, device)
    low = stack.high if one else stack.low
    spread = np.geomspace(low, stack.high, len(validation_points(data)))
    held_out = validation_batch(data, objective, stack, spread, streams)
    schedule = Schedule(**settings["schedules"]["conditioned"])
    return stack, fit_on(device, stack, objective, batches, schedule, held_out, report)


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
