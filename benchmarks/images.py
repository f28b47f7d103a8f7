"""Cost by image size: the linear optimum, found once per run, and a training step."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import yaml

from autoscore.configuration import complete
from autoscore.models.corrected.network import Corrected
from autoscore.models.separate.network import Architecture, Separate
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.linear import LinearOptimum
from autoscore.train.batches import SampleBatches
from autoscore.train.fit import Schedule, fit
from autoscore.train.stack import Stack
from benchmarks.rows import Row, timed
from benchmarks.timing import interleaved, peak_memory

CONFIG = Path(__file__).parents[1] / "config" / "config.yaml"
SIDES = (8, 14, 28, 56)  # pixels
SMALLEST = 4
IMAGES = 4000
STEPS, ROUNDS = 2, 3
MODELS = {"separate": "untied", "conditioned": "conditioned"}  # as named in the configuration


def run() -> Iterator[Row]:
    """Yield times by image size; training uses at most the configured number of axes."""
    torch.set_num_threads(1)
    fits = {}
    for side in SIDES:
        points = _images(side)
        fits[side] = lambda points=points: LinearOptimum.fit(points)
    yield from _sweep("images: linear optimum", "one fit", interleaved(fits, ROUNDS))
    for kind in MODELS:
        tasks = {side: _training(kind, side) for side in SIDES}
        for row in _sweep(f"images: {kind}", f"{STEPS} steps", interleaved(tasks, ROUNDS)):
            peak = peak_memory(_train_once, kind, math.isqrt(round(row.size)))
            yield replace(row, memory=peak.added)


def _sweep(case: str, unit: str, seconds: dict[int, np.ndarray]) -> Iterator[Row]:
    base, over = seconds[SIDES[0]], f"{SIDES[0] ** 2} pixels"
    for side, values in seconds.items():
        yield timed(case, "pixels", side**2, "ours", values, unit, base, over)


def _images(side: int) -> np.ndarray:
    """Return random images, shape ``(n, side^2)``: times do not depend on their content."""
    return np.random.default_rng(0).random((IMAGES, side**2), dtype=np.float32)


def _training(kind: str, side: int) -> Callable[[], object]:
    """Return a function that takes some steps with the configured settings."""
    settings = complete(yaml.safe_load(CONFIG.read_text(encoding="utf-8")))["images"]
    settings = settings["models"][MODELS[kind]]
    in_pixels = settings["output"] == "sigmoid"
    points = _images(side) if in_pixels else _images(side)[:, : settings["axes"]]
    sigmas, k = noise_levels(settings["sigmas"]), points.shape[1]
    stack: Stack
    if kind == "separate":
        m = len(sigmas)
        members = (sigmas.tolist(), [0] * m, [IMAGES] * m, [[0.0] * k] * m, [1.0] * m)
        shape = {"residual": "none", "gain": 2.0, "output": settings["output"]}
        architecture = Architecture((settings["hidden"],), **shape)
        stack, levels = Separate(k, architecture, *members, "single"), sigmas
        generators = [np.random.default_rng(level) for level in range(m)]
        stack.initialise(points, generators)
    else:
        sizes = (settings["width"], settings["hidden"], settings["blocks"])
        levels = (float(sigmas[0]), float(sigmas[-1]))
        stack = Corrected([1.0] * k, *sizes, *levels, [0], [IMAGES])
        stack.initialise([np.random.default_rng(0)])
    source = SampleBatches(
        points[None],
        np.full(len(stack.seeds), IMAGES),
        np.zeros(len(stack.seeds), dtype=int),
        levels,
        [np.random.default_rng(1)],
        dtype=stack.theta.dtype,
    )
    schedule = Schedule(steps=STEPS, batch=settings["batch"], checks=1)
    return lambda: fit(stack, "dae", source, schedule)


def _train_once(kind: str | None, side: int | None) -> None:
    """Take the steps once; None stands for both kinds and the smallest images."""
    torch.set_num_threads(1)
    for one in MODELS if kind is None else (kind,):
        _training(one, side or SMALLEST)()
