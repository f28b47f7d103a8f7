"""The paper's spiral model at its noise level: error against time, by optimiser, over seeds.

One layer of tanh units and a linear decoder, on the configuration's points. Errors are squared and
relative, against the exact posterior mean; r(x) = x has error 1.
"""

import os
from collections.abc import Iterator

import numpy as np
import torch
from scipy.optimize import minimize

from autoscore.numerics.streams import generator
from benchmarks.rows import Row, timed
from benchmarks.spiral import Spiral
from benchmarks.timing import clock

SIGMA = 0.01
SEEDS = int(os.environ.get("OPTIMISER_SEEDS", "5"))
ITERATIONS = int(os.environ.get("OPTIMISER_ITERATIONS", "1000"))  # of BFGS, as published
RECIPES = min(2, SEEDS)  # seeds of SciPy's BFGS, each of which took 24 minutes beside other work
CASE = f"spiral, sigma {SIGMA}, one layer of tanh"
UNIT = "one training"
RECIPE = "scipy's BFGS as published, 500 units"
THEIRS = {  # method of SciPy, units, options
    RECIPE: ("BFGS", 500, {"gtol": 0.0}),
    "scipy's L-BFGS-B in its place, 1000 units": (
        "L-BFGS-B",
        1000,
        {"maxcor": 30, "maxfun": 10**6, "gtol": 0.0, "ftol": 0.0},
    ),
}
FIXED, FRESH = {"noise": "fixed"}, {"noise": "sobol"}
OURS = {  # change of the settings, what is varied, its values as the schedule names them
    **{
        f"BFGS as published, {units} units": (
            FIXED
            | {
                "optimiser": "bfgs",
                "architecture": {"hidden": [units], "residual": "none", "gain": 5.0},
            },
            {"iterations": [{"steps": n} for n in (250, 500, 1000)]},
        )
        for units in (500, 1000)
    },
    "Adam, 1000 units, new noise": (
        FRESH | {"optimiser": "adam"},
        {"steps": [{"steps": n, "batch": 256, "learning_rate": 0.003} for n in (1000, 4000)]},
    ),
    **{
        f"least squares, {units} units, noise once": (
            FIXED
            | {
                "optimiser": "least_squares",
                "architecture": {"hidden": [units], "residual": "none", "gain": 5.0},
            },
            {"points": [{"batch": 10_000}]},
        )
        for units in (250, 500)
    },
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
    ours: dict[str, list[tuple[float, float]]] = {}
    for who, (change, lengths) in OURS.items():
        change = {
            "sigmas": [SIGMA],
            "architecture": {"hidden": [1000], "residual": "none", "gain": 5.0},
        } | change
        for varied, schedules in lengths.items():
            for schedule in schedules:
                trained = [
                    spiral.train("separate", seed, change, **schedule) for seed in range(SEEDS)
                ]
                found = [(took, float(spiral.errors(one, [SIGMA])[0])) for one, took in trained]
                size = schedule["batch" if varied == "points" else "steps"]
                ours[f"{who}, {size:,g} {varied}"] = found
                yield from _rows(who, varied, size, found)
    for who, how in THEIRS.items():
        histories = [_follow(spiral, seed, *how) for seed in range(RECIPES)]
        for iterations in (ITERATIONS // 4, ITERATIONS // 2, ITERATIONS):
            reached = [one[min(iterations, len(one)) - 1] for one in histories]
            yield from _rows(who, "iterations", iterations, reached)
        if who == RECIPE:
            yield from _to_its_final_error(ours, [one[-1] for one in histories])


def _to_its_final_error(
    ours: dict[str, list[tuple[float, float]]], recipe: list[tuple[float, float]]
) -> Iterator[Row]:
    """Yield the recipe's time, and that of each of ours that came as near with every seed."""
    theirs, final = np.array(recipe).T
    for who, found in ours.items():
        seconds, errors = np.array(found[: len(recipe)]).T
        if (errors <= final).all():
            case, over = f"spiral, sigma {SIGMA}, to the recipe's final error", f"ours, {who}"
            error = float(np.median(final))
            yield timed(case, "", np.nan, over, seconds, UNIT, seconds, over, error=error)
            yield timed(case, "", np.nan, RECIPE, theirs, UNIT, seconds, over, error=error)


def _rows(who: str, varied: str, size: float, found: list[tuple[float, float]]) -> Iterator[Row]:
    """Yield a row per seed, of its seconds and its error, and one of the medians."""
    name = f"{who}, {size:,g} {varied}"
    for seed, (took, error) in enumerate(found):
        yield Row(CASE, "seed", seed, name, took, UNIT, error=error)
    took, error = np.median(found, axis=0)
    yield Row(CASE, "median of", len(found), name, took, UNIT, error=error)


def _follow(
    spiral: Spiral, seed: int, method: str, units: int, options: dict
) -> list[tuple[float, float]]:
    """Return seconds and error after each iteration of an optimiser from the authors' start.

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

    drawn = [rng.uniform(-r, r, shape) for r, shape in zip((1, 0.1) * 2, shapes, strict=True)]
    start = np.concatenate([part.ravel() for part in drawn])
    begin = clock()
    options = options | {"maxiter": ITERATIONS}
    minimize(loss, start, jac=True, method=method, callback=watch, options=options)
    return history
