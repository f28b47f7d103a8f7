"""The recipe in the authors' repository, trained by scipy's BFGS, against ours at equal error."""

import os
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from scipy.optimize import minimize

from autoscore.numerics.streams import generator
from benchmarks.rows import Row, timed
from benchmarks.spiral import Spiral
from benchmarks.timing import clock

SIGMA = 0.01
UNITS = int(os.environ.get("RECIPE_UNITS", "500"))  # the paper's 1000 take eight times as long
LIMIT = float(os.environ.get("RECIPE_SECONDS", "120"))
TARGETS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
STEPS = (25, 50, 100, 200, 400)
ROUNDS = 3
OURS = {  # small batches: at this error steps count
    "separate of one": ("separate", {"sigmas": [SIGMA]}, {"batch": 128}),
    "conditioned": ("conditioned", {}, {"batch": 128, "learning_rate": 0.01}),
}
CASE = f"spiral, sigma {SIGMA}, {UNITS} units by BFGS"
History = list[tuple[float, float]]  # seconds, error


class Recipe:
    """r(x) = V tanh(W x + b) + c with untied weights, in double precision, on all points at once.

    The loss is the sum of |r(y) - x|^2 over one fixed noisy copy y of each point x, matrices start
    in U(-1, 1) and biases in U(-0.1, 0.1), as in the authors' code
    (github.com/gyom/denoising_autoencoder, folder iclr2013_paper).

    Parameters
    ----------
    clean
        Points, shape ``(n, d)``.
    units
        Hidden tanh units.
    rng
        Draws the noise and the starting weights.
    eased
        Whether to make it easier for BFGS than the authors did: the loss is a mean in units of
        sigma^2, units switch at data points with slopes of three over the data's spread, and the
        decoder starts small.
    """

    def __init__(
        self, clean: np.ndarray, units: int, rng: np.random.Generator, *, eased: bool = False
    ) -> None:
        n, d = clean.shape
        self._clean, self._noisy = clean, clean + SIGMA * rng.standard_normal(clean.shape)
        self._shapes = ((d, units), (units,), (units, d), (d,))
        self._rng, self._eased = rng, eased
        self._weight = 1.0 / (n * SIGMA**2) if eased else 1.0

    def start(self) -> np.ndarray:
        """Return starting weights."""
        rng, (d, units) = self._rng, self._shapes[0]
        if self._eased:
            W = rng.standard_normal((d, units)) * 3.0 * d**-0.5 / self._clean.std()
            b = -(W * self._clean[rng.integers(len(self._clean), size=units)].T).sum(0)
            parts = [W, b, rng.standard_normal((units, d)) / units, np.zeros(d)]
        else:
            parts = [rng.uniform(-r, r, s) for r, s in zip((1, 0.1) * 2, self._shapes, strict=True)]
        return np.concatenate([part.ravel() for part in parts])

    def _unpack(self, theta: np.ndarray) -> list[np.ndarray]:
        ends = np.cumsum([0, *(np.prod(shape) for shape in self._shapes)])
        parts = [theta[low:high] for low, high in pairwise(ends)]
        return [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def reconstruct(self, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return r at points of shape ``(n, d)``."""
        W, b, V, c = self._unpack(theta)
        return np.tanh(x @ W + b) @ V + c

    def loss(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss and its gradient."""
        W, b, V, c = self._unpack(theta)
        units = np.tanh(self._noisy @ W + b)
        error = units @ V + c - self._clean
        back = 2.0 * self._weight * error
        into = (back @ V.T) * (1.0 - units**2)
        parts = (self._noisy.T @ into, into.sum(0), units.T @ back, back.sum(0))
        return self._weight * (error**2).sum(), np.concatenate([part.ravel() for part in parts])


def run() -> Iterator[Row]:
    """Yield the recipe's and our seconds to each error that the recipe reaches."""
    torch.set_num_threads(1)
    spiral = Spiral()
    recipes = {
        "scipy's BFGS, the authors' way": _follow_recipe(spiral, eased=False),
        "scipy's BFGS, eased": _follow_recipe(spiral, eased=True),
    }
    ours = {name: [_measure_ours(spiral, name, k) for k in range(ROUNDS)] for name in OURS}
    for who, history in recipes.items():
        best = min(error for _, error in history)
        for target in [*(error for error in TARGETS if error > best), best]:
            theirs = _first(history, target)
            for name, rounds in ours.items():
                sooner = np.array([_first(sorted(one), target) for one in rounds])
                unit, over, reached = "this error", f"ours, {name}", np.isfinite(sooner)
                again = np.full(ROUNDS, theirs)
                if reached.all():
                    yield timed(CASE, "error", target, over, sooner, unit, sooner, over)
                    yield timed(CASE, "error", target, who, again, unit, sooner, over)
                else:
                    over += f": in {reached.sum()} of {ROUNDS} rounds"
                    yield timed(CASE, "error", target, who, again, unit, over=over)


def _follow_recipe(spiral: Spiral, *, eased: bool) -> History:
    """Train until the time limit; return seconds and error after each iteration."""
    points = spiral.data["train"][0, : spiral.settings["sizes"][0]]
    recipe = Recipe(points, UNITS, generator(0, "recipe"), eased=eased)
    x = spiral.reference(SIGMA).x
    history: History = []
    watching = 0.0
    begin = clock()

    def watch(theta: np.ndarray) -> None:
        nonlocal watching
        now = clock()
        error = spiral.error(recipe.reconstruct(theta, x), SIGMA)
        history.append((now - begin - watching, error))
        watching += clock() - now
        if history[-1][0] > LIMIT:
            raise StopIteration

    minimize(
        recipe.loss,
        recipe.start(),
        jac=True,
        method="BFGS",
        callback=watch,
        options={"gtol": 0.0, "maxiter": 1_000_000},
    )
    return history


def _measure_ours(spiral: Spiral, name: str, seed: int) -> History:
    """Return seconds and error for schedules of all lengths."""
    kind, change, schedule = OURS[name]
    found = []
    for steps in STEPS:
        stack, seconds = spiral.train(kind, seed, change, steps=steps, **schedule)
        found.append((seconds, float(spiral.errors(stack, np.array([SIGMA]))[0])))
    return found


def _first(history: History, target: float) -> float:
    """Return when an error was first reached, or NaN."""
    return next((seconds for seconds, error in history if error <= target), np.nan)
