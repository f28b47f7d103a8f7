"""Training auto-encoders that take the noise level as an input."""

from collections.abc import Callable

import numpy as np
import torch

from autoscore.densities.kernels import fit_bandwidth
from autoscore.models.conditioned.network import MARGIN, Conditioned
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.train.fit import Trace, silent
from autoscore.train.setups import Streams, fit_to_samples, member_grid, sample_sizes, standardised

SMOOTHED = 1000  # points from which the thickness of the data is estimated


def train(
    data: dict[str, np.ndarray],
    settings: dict,
    objective: str,
    streams: Streams,
    report: Callable[[str], None] = silent,
    members: list[int] | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Conditioned, Trace]:
    """Train one auto-encoder per number of points and seed, for all noise levels.

    Parameters are those of `autoscore.models.separate.training.train_on_samples`.
    """
    stack, points = untrained(data, settings, streams)
    if members is not None:
        stack = stack.take(members)
    drawn = checked = (stack.low, stack.high)
    if objective == "ssm":  # sliced score matching has no noise level: the input is constant
        drawn, checked = np.full(len(stack.seeds), stack.high), (stack.high, stack.high)
    asked = (points, data, settings, objective, streams, drawn, checked)
    return stack, fit_to_samples(stack, *asked, "conditioned", report, device)


def untrained(
    data: dict[str, np.ndarray], settings: dict, streams: Streams
) -> tuple[Conditioned, np.ndarray]:
    """Return all members with their starting weights, and the points, ``(seeds, n, d)``."""
    levels, network = noise_levels(settings["sigmas"]), settings["network"]
    sizes, _, seeds = member_grid(sample_sizes(settings, data), [np.nan], settings["seeds"])
    points, shift, spreads, scale = standardised(data, settings, sizes, seeds)
    stack = Conditioned(
        points.shape[-1],
        network["width"],
        network["blocks"],
        levels[0] / MARGIN,
        levels[-1] * MARGIN,
        seeds.tolist(),
        sizes.tolist(),
        shift.tolist(),
        scale.tolist(),
        _thickness(data, sizes, seeds),
        spreads.tolist(),
        features=network["features"],
        frequency=network["frequency"],
    )
    stack.initialise([generator(*streams, "start", k) for k in seeds])
    return stack, points


def _thickness(data: dict[str, np.ndarray], sizes: np.ndarray, seeds: np.ndarray) -> list[float]:
    """Return the scale on which each member's points are smooth.

    It is the bandwidth of the kernel density estimate that is likeliest on the validation points:
    wide for a smooth density, and as narrow as the points allow for a curve.
    """
    points, validation = data["train"], data["validation"][:SMOOTHED]
    if not len(validation):
        return [0.0] * len(sizes)
    pairs = list(zip(seeds, np.minimum(sizes, SMOOTHED), strict=True))
    found = {
        (seed, size): fit_bandwidth(points[min(seed, len(points) - 1), :size], validation).bandwidth
        for seed, size in set(pairs)
    }
    return [found[pair] for pair in pairs]
