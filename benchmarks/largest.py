"""The largest runs tried, each in its own process, beside their estimated memory."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from autoscore.models.separate.training import train_on_samples
from benchmarks.chains import foreseen, keep_chains
from benchmarks.rows import Row
from benchmarks.solver import solve_plane
from benchmarks.timing import peak_memory
from run_autoscore import demands

LEVELS, SEEDS, UNITS = 64, 32, 256
STEPS, BATCH, POINTS, VALIDATION = 10, 64, 10_000, 1000
CHAINS, DRAWS = 1_000_000, 20
SIDE = 2000  # grid points


def run() -> Iterator[Row]:
    """Yield seconds and peak memory of auto-encoders, chains and an exact solve."""
    grid = f"{LEVELS} levels x {SEEDS} seeds, {UNITS}-{UNITS}, {BATCH} points a step"
    members, settings = LEVELS * SEEDS, _settings(LEVELS, SEEDS, UNITS)
    asked = demands.training(settings, "dae", "samples", 2, members)["mem_mb"]
    yield _measured(grid, "members", members, f"{STEPS} steps", _train, LEVELS, SEEDS, UNITS)
    yield Row(grid, "members", members, "demands", memory=asked)
    chains = f"chains of {DRAWS} draws, d = 2"
    yield _measured(chains, "chains", CHAINS, f"{DRAWS} steps", keep_chains, CHAINS, DRAWS, 2)
    yield Row(chains, "chains", CHAINS, "demands", memory=demands.BASE + foreseen(CHAINS, DRAWS, 2))
    yield _measured(
        "exact contractive optimum, d = 2", "points a side", SIDE, "one solve", solve_plane, SIDE
    )


def _measured(
    case: str, varied: str, size: float, unit: str, task: Callable, *arguments: object
) -> Row:
    peak = peak_memory(task, *arguments)
    return Row(case, varied, size, "ours", peak.seconds, unit, memory=peak.whole)


def _settings(levels: int, seeds: int, units: int) -> dict:
    schedule = {"steps": STEPS, "batch": BATCH, "polish": 0, "checks": 1}
    return {
        "kind": "separate",
        "sigmas": np.geomspace(0.01, 1.0, levels).tolist(),
        "seeds": seeds,
        "sizes": [POINTS],
        "validation": VALIDATION,
        "noise": "sobol",
        "warm_start": False,
        "architecture": {"hidden": [units, units], "residual": "sigma"},
        "schedules": {"samples": schedule},
    }


def _train(levels: int | None, seeds: int | None, units: int | None) -> None:
    """Train a grid of auto-encoders as the pipeline does; None stands for the smallest size."""
    torch.set_num_threads(1)
    levels, seeds, units = levels or 1, seeds or 1, units or 8
    rng = np.random.default_rng(0)
    data = {"train": rng.standard_normal((seeds, POINTS, 2))}
    data["validation"] = rng.standard_normal((VALIDATION, 2))
    train_on_samples(data, _settings(levels, seeds, units), "dae", (0, "normal", "dae", "it"))
