"""Training image models: separate auto-encoders per noise level, and one for all levels."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from autoscore.images.data import Images
from autoscore.images.symmetry import follow_symmetry
from autoscore.models.corrected.network import Corrected
from autoscore.models.separate.network import Architecture, Separate
from autoscore.models.separate.starts import start_linear, start_solved
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.optimum.linear import LinearOptimum
from autoscore.train.batches import SampleBatches
from autoscore.train.fit import GROUPS, Schedule, Trace, fit, silent
from autoscore.train.setups import validation_batch


def has_fast_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies matrices of bfloat16 faster than those of float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # PyTorch has no documented function for this
    known = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in known)


def train_images(
    images: Images,
    settings: dict,
    streams: tuple,
    device: torch.device,
    report: Callable[[str], None] = silent,
    checkpoint: Path | None = None,
) -> tuple[Separate | Corrected, Trace]:
    """Train one image model; `settings` are its part of the configuration.

    `streams` (global seed, "images", model) names the random streams, which are the same on every
    `device`. For `report` and `checkpoint` see `autoscore.train.fit.fit`. The trace of separate
    auto-encoders has observed the symmetry of dr/dx, see `follow_symmetry`.
    """
    followed = settings["kind"] == "separate"
    make = _separate if followed else _corrected
    stack, points, validation, sigmas = make(images, settings, streams)
    m = len(stack.seeds)
    batches = SampleBatches(
        points[None],
        np.full(m, len(points)),
        np.zeros(m, dtype=int),
        sigmas,
        [generator(*streams, "batches")],
        noise="sobol",
        paired=True,  # on images, antithetic pairs gain more than doubling the batch
        dtype=stack.theta.dtype,
        device=device,
    )
    validation = validation[: len(validation) // GROUPS * GROUPS]
    spread = sigmas[:, None] if followed else np.geomspace(*sigmas, len(validation))
    held_out = validation_batch({"validation": validation}, "dae", stack, spread, streams)
    schedule = Schedule(
        steps=math.ceil(settings["shown"] / settings["batch"]),
        learning_rate=settings["learning_rate"],
        batch=settings["batch"],
        checks=10,
        average=settings["average"],
    )
    observe = follow_symmetry(stack, validation, streams) if followed else None
    precision = settings["precision"]
    halved = precision == "bfloat16" or (precision == "auto" and has_fast_bfloat16(device))
    with torch.autocast(device.type, torch.bfloat16, enabled=halved):
        trace = fit(
            stack.to(device),
            "dae",
            batches,
            schedule,
            held_out=held_out.to(device),
            report=report,
            observe=observe,
            checkpoint=checkpoint,
        )
    stack = stack.to("cpu")
    reduced = followed and stack.architecture.output == "linear"
    return lifted(stack, images.linear) if reduced else stack, trace


def _separate(images: Images, settings: dict, streams: tuple) -> tuple:
    """Return separate auto-encoders, their training and validation points, and noise levels.

    A linear output is trained in the leading principal coordinates, which restricts weights to the
    span of the axes, and one of sigmoids in pixels.
    """
    sigmas, linear = noise_levels(settings["sigmas"]), _leading(images, settings["axes"])
    named = {key: settings[key] for key in ("tied", "output")}
    shape = Architecture((settings["hidden"],), residual="none", gain=2.0, **named)
    in_pixels = shape.output == "sigmoid"
    m, n = len(sigmas), len(images.train)
    k = images.train.shape[1] if in_pixels else len(linear.mean)
    stack = Separate(
        k, shape, sigmas.tolist(), [0] * m, [n] * m, [[0.0] * k] * m, [1.0] * m, precision="single"
    )
    generators = [generator(*streams, "start", level) for level in range(m)]
    if in_pixels:
        train, validation = images.train, images.validation[: settings["validation"]]
    else:
        train, validation = _coordinates(images, settings, k)
    match settings["start"]:
        case "linear":
            start_linear(stack, linear, generators)
        case "solved":
            start_solved(stack, linear, train, generators)
        case _:
            stack.initialise(train, generators)
    return stack, train, validation, sigmas


def _corrected(images: Images, settings: dict, streams: tuple) -> tuple:
    """Return our auto-encoder, its training and validation points, and its range of levels."""
    low, high = noise_levels(settings["sigmas"])[[0, -1]]
    variances = _leading(images, settings["axes"]).variances.tolist()
    sizes = settings["width"], settings["hidden"], settings["blocks"]
    stack = Corrected(variances, *sizes, low, high, [0], [len(images.train)])
    stack.initialise([generator(*streams, "start", 0)])
    return stack, *_coordinates(images, settings, stack.dim), (low, high)


def _leading(images: Images, axes: int) -> LinearOptimum:
    """Return the linear optimum in the leading principal coordinates, as many as vary at all."""
    variances = images.linear.variances
    k = min(axes, int((variances > 1e-12 * variances[0]).sum()))
    return LinearOptimum(np.zeros(k), variances[:k], np.eye(k))


def _coordinates(images: Images, settings: dict, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the training images and some validation images in principal coordinates."""
    mean, axes = images.linear.mean.astype(np.float32), images.linear.axes[:, :k]
    few = images.validation[: settings["validation"]]
    return tuple((part - mean) @ axes.astype(np.float32) for part in (images.train, few))


def lifted(stack: Separate, linear: LinearOptimum) -> Separate:
    """Return the auto-encoders of pixels that a stack is in leading principal coordinates.

    r(x) = mean + A net(A^T (x - mean)) has the encoder A W and the decoder V A^T, with the axes A.
    """
    axes = torch.as_tensor(linear.axes[:, : stack.dim].copy(), dtype=stack.dtype)
    described, m = stack.description(), len(stack.seeds)
    described |= {"dim": len(linear.mean), "shift": [linear.mean.tolist()] * m}
    found, named = Separate(**described), stack.views(stack.theta)
    named["encoder.0.weight"] = axes @ named["encoder.0.weight"]
    for name in named.keys() & {"decoder.weight", "decoder.bias"}:
        named[name] = named[name] @ axes.T
    found.theta = found.pack(named)
    return found
