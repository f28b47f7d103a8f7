"""Where iterated reconstructions come to rest: on the data, or where there are none (C8)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.geometry.plane import ARROWS
from autoscore.geometry.summary import Points
from autoscore.geometry.windows import grid_points
from autoscore.models.registry import Learned
from autoscore.optimum.bias import GRID_POINTS, optimal_field

STARTS = 25  # along each side of the window
PIXELS = 100  # of a map of basins, along each side
ITERATIONS = 400
LOOKED = 10  # iterations from one look at where points are to the next
AT_REST = 1e-3  # sigmas: a shorter move is none
IMPROBABLE = 1e-3  # share of draws from p_sigma that lie where it is lower than at any data
CHAINS, CHAIN_STEPS = 200, 300  # of corruption and reconstruction, from training points
DATA, SPURIOUS, ESCAPED, MOVING = range(4)  # where a start ends
COLUMNS = [
    "model", "seed", "sigma", "error", "spurious", "escaped", "moving", "attractors", "chains_lost",
]  # fmt: skip


@dataclass(frozen=True)
class Ends:
    """Where points, ``(n, 2)``, came to rest, and of which sort each end is."""

    x: np.ndarray
    label: np.ndarray  # DATA, SPURIOUS, ESCAPED or MOVING


class Likely:
    """Tells where data lie: where all but one in a thousand draws from p_sigma have less log p."""

    def __init__(self, density: Density, sigma: float, rng: np.random.Generator) -> None:
        self._smoothed = density.smoothed(sigma)
        draws = self._smoothed.sample(3000, rng)
        self._least = np.quantile(self._smoothed.log_prob(draws), IMPROBABLE)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return whether there are data at each point."""
        return self._smoothed.log_prob(x) >= self._least


def relax(field: Field, x: np.ndarray, likely: Likely, window: np.ndarray) -> Ends:
    """Apply r until points reach the data, rest elsewhere, or leave a box three windows wide."""
    x, label = x.copy(), np.full(len(x), MOVING)
    middle, half = window.mean(1), 1.5 * np.ptp(window, axis=1)
    active = np.arange(len(x))
    for step in range(ITERATIONS):
        move = field.move(x[active])
        if step % LOOKED == 0:
            at = x[active]
            resting = np.linalg.norm(move, axis=1) < AT_REST * field.sigma
            left = ~(np.abs(at - middle) <= half).all(1)
            found = np.select([left, likely(at), resting], [ESCAPED, DATA, SPURIOUS], MOVING)
            label[active] = found
            active, move = active[found == MOVING], move[found == MOVING]
            if not len(active):
                break
        x[active] += move
    return Ends(x, label)


def lost_chains(
    field: Field, clean: np.ndarray, likely: Likely, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return paths of chains that start at data, corrupt and reconstruct, and which are lost.

    Paths have the shape ``(steps + 1, chains, 2)``. A chain is lost if it ends where there are no
    data, and r alone would not bring it back: a chain is also caught between noise and r.
    """
    x = clean[rng.integers(len(clean), size=CHAINS)]
    path = [x]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(CHAIN_STEPS):
            noisy = path[-1] + field.sigma * rng.standard_normal(x.shape)
            path.append(noisy + field.move(noisy))
    last = np.nan_to_num(path[-1], nan=np.inf, posinf=1e6, neginf=-1e6)
    return np.stack(path), ~likely(np.clip(last, -1e6, 1e6))


def attractors(
    density: Density,
    learned: Learned,
    sigma: float,
    windows: list[np.ndarray],
    points: Callable[[int | None], Points],
    rng: np.random.Generator,
    drawn: tuple[str, ...],
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return, for every denoising model trained at a noise level, where points end.

    The table has a row per model and seed, in `COLUMNS`: the squared relative ``error`` of r - x
    against the best reconstruction; the shares of a grid of starts in the first window that end
    ``spurious``, ``escaped`` or ``moving`` (`relax`); the number of places, a sigma apart, where
    they end spurious; and the share of chains from the data that are lost (`lost_chains`).
    The first row is the best reconstruction's. Arrays are those of `_drawn` for the models
    `drawn`, each for its seed of the median error. `points` are those of a seed.
    """
    best, likely = optimal_field(density, "dae", sigma, GRID_POINTS), Likely(density, sigma, rng)
    fields: dict[tuple[str, float], Field] = {("exact", np.nan): best}
    for (objective, model, source), stack in learned.items():
        if (objective, source) == ("dae", "samples") and len(stack.known([sigma])):
            for seed in np.unique(stack.seeds).tolist():
                fields[model, seed] = stack.field(sigma, seed, stack.sizes.max())
    entropy, rows = int(rng.integers(2**63)), []

    def chains(seed: float) -> np.random.Generator:
        """Return the stream of a seed's chains, which are the same for all its fields."""
        return np.random.default_rng([entropy, *([] if np.isnan(seed) else [seed])])

    for (model, seed), field in fields.items():
        at = points(None if np.isnan(seed) else seed)
        noisy = at.x + sigma * at.noise
        move = best.move(noisy)
        ends = relax(field, grid_points(windows[0], STARTS), likely, windows[0])
        spurious = ends.x[ends.label == SPURIOUS]
        shares = [(ends.label == sort).mean() for sort in (SPURIOUS, ESCAPED, MOVING)]
        error = ((field.move(noisy) - move) ** 2).sum() / (move**2).sum()
        places = len(np.unique(np.rint(spurious / sigma), axis=0))
        lost = lost_chains(field, at.x, likely, chains(seed))[1].mean()
        rows.append([model, seed, sigma, error, *shares, places, lost])
    table = pd.DataFrame(rows, columns=COLUMNS)
    arrays = {}
    for model in drawn:
        errors = table[table["model"] == model].set_index("seed")["error"]
        if len(errors):
            seed = errors.sort_values().index[len(errors) // 2]
            clean = points(None if np.isnan(seed) else seed).x
            arrays |= _drawn(model, fields[model, seed], windows, clean, likely, chains(seed))
            arrays[f"seed_{model}"] = np.array(seed)
    return arrays, table


def _drawn(
    model: str,
    field: Field,
    windows: list[np.ndarray],
    clean: np.ndarray,
    likely: Likely,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Return what a figure shows of one field.

    ``arrows_k_<model>`` is the field in window k, as `autoscore.geometry.plane.arrows` has it.
    ``basin_<model>``, ``(pixels, pixels)``, says how each point of the first window ends, and
    ``rest_<model>`` where the spurious ones rest. ``path_<model>``, ``(steps + 1, 2)``, is the
    first chain that is lost, without a step if none is.
    """
    ends = relax(field, grid_points(windows[0], PIXELS), likely, windows[0])
    path, lost = lost_chains(field, clean, likely, rng)
    chosen = np.flatnonzero(lost)[:1]
    fields = {
        f"arrows_{k}_{model}": field.move(grid_points(window, ARROWS)).reshape(ARROWS, ARROWS, 2)
        for k, window in enumerate(windows)
    }
    return fields | {
        f"basin_{model}": ends.label.reshape(PIXELS, PIXELS),
        f"rest_{model}": ends.x[ends.label == SPURIOUS],
        f"path_{model}": path[:, chosen[0]] if len(chosen) else path[:0, 0],
    }
