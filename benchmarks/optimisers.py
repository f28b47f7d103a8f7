"""The paper's spiral model at its noise level: error against time, by optimiser, five seeds each.

One layer of tanh units and a linear decoder, on the configuration's points. Errors are squared and
relative, against the exact posterior mean; r(x) = x has error 1.
"""

import os
from collections.abc import Iterator

import numpy as np
import torch
from scipy.optimize import minimize

from autoscore.numerics.streams import generator
from benchmarks.rows import Row
from benchmarks.spiral import Spiral
from benchmarks.timing import clock

SIGMA = 0.01
SEEDS = int(os.environ.get("OPTIMISER_SEEDS", "5"))
LIMIT = float(os.environ.get("OPTIMISER_SECONDS", "40"))  # of each BFGS
CASE = f"spiral, sigma {SIGMA}, one layer of tanh"
UNIT = "one training"
FIXED, FRESH = {"noise": "fixed"}, {"noise": "sobol"}
OURS = {  # change of the settings, what is varied, its values as the schedule names them
    "L-BFGS as published, 1000 units": (
        FIXED | {"optimiser": "lbfgs"},
        {"evaluations": [{"steps": 1, "polish": n} for n in (50, 200)]},
    ),
    "Adam, 1000 units, new noise": (
        FRESH | {"optimiser": "adam"},
        {"steps": [{"steps": n, "batch": 256, "learning_rate": 0.003} for n in (1000, 4000)]},
    ),
    "least squares, 250 units, noise once": (
        FIXED
        | {
            "optimiser": "least_squares",
            "architecture": {"hidden": [250], "residual": "none", "gain": 5.0},
        },
        {"points": [{"batch": 10_000}]},
    ),
    "least squares, 1000 units, noise once": (
        FIXED | {"optimiser": "least_squares"},
        {"points": [{"batch": 10_000}]},
    ),
    "least squares, 1000 units, new noise": (
        FRESH | {"optimiser": "least_squares"},
        {"points": [{"batch": n} for n in (5_000, 10_000, 20_000)]},
    ),
}


def run() -> Iterator[Row]:
    """Yield the seconds and the error of every seed, optimiser and length of training."""
    torch.set_num_threads(1)
    spiral = Spiral()
    for who, (change, lengths) in OURS.items():
        change = {
            "sigmas": [SIGMA],
            "architecture": {"hidden": [1000], "residual": "none", "gain": 5.0},
        } | change
        for varied, schedules in lengths.items():
            for schedule in schedules:
                found = [
                    spiral.train("separate", seed, change, **schedule) for seed in range(SEEDS)
                ]
                errors = [float(spiral.errors(stack, [SIGMA])[0]) for stack, _ in found]
                size = (
                    schedule.get("polish") or schedule["batch" if varied == "points" else "steps"]
                )
                yield from _rows(who, varied, size, [seconds for _, seconds in found], errors)
    histories = [_follow_bfgs(spiral, seed) for seed in range(SEEDS)]
    for seconds in (LIMIT / 4, LIMIT / 2, LIMIT):
        errors = [
            min((error for at, error in one if at <= 1.1 * seconds), default=np.nan)
            for one in histories
        ]
        who = "scipy's BFGS as published, 500 units"
        yield from _rows(who, "seconds", seconds, [seconds] * SEEDS, errors)


def _rows(
    who: str, varied: str, size: float, seconds: list[float], errors: list[float]
) -> Iterator[Row]:
    """Yield a row per seed, and one of the medians."""
    name = f"{who}, {size:,g} {varied}"
    for seed, (took, error) in enumerate(zip(seconds, errors, strict=True)):
        yield Row(CASE, "seed", seed, name, took, UNIT, error=error)
    yield Row(
        CASE, "median of", len(errors), name, np.median(seconds), UNIT, error=np.median(errors)
    )


def _follow_bfgs(spiral: Spiral, seed: int, units: int = 500) -> list[tuple[float, float]]:
    """Return seconds and error after each iteration of the authors' optimiser, from their start.

    The loss is the sum of |r(y) - x|^2 over one fixed noisy copy y of each point x; matrices start
    in U(-1, 1), biases in U(-0.1, 0.1) (github.com/gyom/denoising_autoencoder, iclr2013_paper).
    """
    clean, rng = spiral.data["train"][seed], generator(seed, "optimisers")
    noisy = clean + SIGMA * rng.standard_normal(clean.shape)
    shapes = ((2, units), (units,), (units, 2), (2,))
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    x, history, watching = spiral.reference(SIGMA).x, [], 0.0

    def parts(theta: np.ndarray) -> list[np.ndarray]:
        split = np.split(theta, ends)
        return [part.reshape(shape) for part, shape in zip(split, shapes, strict=True)]

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        W, b, V, c = parts(theta)
        hidden = np.tanh(noisy @ W + b)
        back = 2.0 * (hidden @ V + c - clean)
        into = (back @ V.T) * (1.0 - hidden**2)
        slopes = (noisy.T @ into, into.sum(0), hidden.T @ back, back.sum(0))
        return 0.25 * (back**2).sum(), np.concatenate([slope.ravel() for slope in slopes])

    def watch(theta: np.ndarray) -> None:
        nonlocal watching
        now = clock()
        W, b, V, c = parts(theta)
        history.append((now - begin - watching, spiral.error(np.tanh(x @ W + b) @ V + c, SIGMA)))
        watching += clock() - now
        if history[-1][0] > LIMIT:
            raise StopIteration

    drawn = [rng.uniform(-r, r, shape) for r, shape in zip((1, 0.1) * 2, shapes, strict=True)]
    start = np.concatenate([part.ravel() for part in drawn])
    begin = clock()
    options = {"gtol": 0.0, "maxiter": 1_000_000}
    minimize(loss, start, jac=True, method="BFGS", callback=watch, options=options)
    return history
