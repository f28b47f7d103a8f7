"""Where iterated reconstructions come to rest: on the data, or where there are none (C8)."""

from collections.abc import Callable, Mapping, Sequence
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
from autoscore.train.stack import SideBySide

STARTS = 25  # along each side of the window
PIXELS = 100  # of a map of basins, along each side
ITERATIONS = 400
LOOKED = 10  # iterations from one look at where points are to the next
AT_REST = 1e-3  # sigmas: a shorter move is none
IMPROBABLE = 1e-3  # share of draws from p_sigma that lie where it is lower than at any data
CHAINS, CHAIN_STEPS = 200, 300  # of corruption and reconstruction, from training points
NULL_SEEDS = 3  # of null models: a kernel density estimate takes seconds for each
DATA, SPURIOUS, ESCAPED, MOVING = range(4)  # where a start ends
COLUMNS = [
    "model", "seed", "sigma", "error", "spurious", "escaped", "moving", "attractors", "chains_lost",
]  # fmt: skip


class Several:
    """Fields of one noise level, moved `together` in one call if that can be."""

    def __init__(
        self,
        fields: Sequence[Field],
        together: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.fields, self.sigma, self._together = fields, fields[0].sigma, together

    def move(self, x: np.ndarray) -> np.ndarray:
        """Return r(x) - x of k fields, each at points of its own, ``(k, n, 2)`` both."""
        if self._together:
            return self._together(x)
        return np.stack([field.move(own) for field, own in zip(self.fields, x, strict=True)])


@dataclass(frozen=True)
class Ends:
    """Where points of k fields, ``(k, n, 2)``, came to rest, and of which sort each end is."""

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


def relax(several: Several, x: np.ndarray, likely: Likely, window: np.ndarray) -> Ends:
    """Apply each r until points reach the data, rest elsewhere, or leave a box of three windows.

    All k fields start at the same points, ``(n, 2)``.
    """
    k = len(several.fields)
    x, label = np.tile(x, (k, 1, 1)), np.full((k, len(x)), MOVING)
    middle, half = window.mean(1), 1.5 * np.ptp(window, axis=1)
    active = np.arange(label.shape[1])
    for step in range(ITERATIONS):
        move = several.move(x[:, active])
        if step % LOOKED == 0:
            ends, on = label[:, active], label[:, active] == MOVING
            at = x[:, active][on]
            resting = np.linalg.norm(move[on], axis=1) < AT_REST * several.sigma
            left = ~(np.abs(at - middle) <= half).all(1)
            ends[on] = np.select([left, likely(at), resting], [ESCAPED, DATA, SPURIOUS], MOVING)
            label[:, active] = ends
            kept = (ends == MOVING).any(0)
            active, move = active[kept], move[:, kept]
            if not len(active):
                break
        x[:, active] += np.where((label[:, active] == MOVING)[..., None], move, 0.0)
    return Ends(x, label)


def lost_chains(
    several: Several,
    clean: Sequence[np.ndarray],
    likely: Likely,
    rngs: Sequence[np.random.Generator],
) -> tuple[np.ndarray, np.ndarray]:
    """Return paths of chains that start at data, corrupt and reconstruct, and which are lost.

    Each of k fields has data, ``(m, 2)``, and a stream of its own. Paths have the shape
    ``(steps + 1, k, chains, 2)``. A chain is lost if it ends where there are no data, and r alone
    would not bring it back: a chain is also caught between noise and r.
    """
    starts = zip(clean, rngs, strict=True)
    path = [np.stack([data[rng.integers(len(data), size=CHAINS)] for data, rng in starts])]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(CHAIN_STEPS):
            noise = np.stack([rng.standard_normal((CHAINS, 2)) for rng in rngs])
            noisy = path[-1] + several.sigma * noise
            path.append(noisy + several.move(noisy))
    last = np.nan_to_num(path[-1], nan=np.inf, posinf=1e6, neginf=-1e6).clip(-1e6, 1e6)
    return np.stack(path), ~likely(last.reshape(-1, 2)).reshape(last.shape[:2])


def attractors(
    density: Density,
    learned: Learned,
    nulls: Mapping[int, Mapping[str, Field]],
    sigma: float,
    windows: list[np.ndarray],
    points: Callable[[int | None], Points],
    rng: np.random.Generator,
    drawn: tuple[str, ...],
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return, for every denoising model trained at a noise level, where points end.

    `nulls` are the fields of null models there, by seed and name, of which the first seeds count.

    The table has a row per model and seed, in `COLUMNS`: the squared relative ``error`` of r - x
    against the best reconstruction; the shares of a grid of starts in the first window that end
    ``spurious``, ``escaped`` or ``moving`` (`relax`); the number of places, a sigma apart, where
    they end spurious; and the share of chains from the data that are lost (`lost_chains`).
    The first row is the best reconstruction's, the last ones are the null models'. Arrays are those
    of `_drawn` for the models `drawn`, each for its seed of the median error. `points` are those of
    a seed.
    """
    best, likely = optimal_field(density, "dae", sigma, GRID_POINTS), Likely(density, sigma, rng)
    models: dict[str, tuple[list[float], Several]] = {"exact": ([np.nan], Several([best]))}
    for (objective, model, source), stack in learned.items():
        if (objective, source) == ("dae", "samples") and len(stack.known([sigma])):
            seeds, size = np.unique(stack.seeds).tolist(), stack.sizes.max()
            fields = [stack.field(sigma, seed, size) for seed in seeds]
            members = [stack.member(sigma, seed, size) for seed in seeds]
            together = SideBySide(stack, members).move if stack.separate else None
            models[model] = seeds, Several(fields, together)
    few = sorted(nulls)[:NULL_SEEDS]
    for name in nulls[few[0]] if few else ():
        models[name] = few, Several([nulls[seed][name] for seed in few])
    entropy, rows = int(rng.integers(2**63)), []

    def chains(seed: float) -> np.random.Generator:
        """Return the stream of a seed's chains, which are the same for all its fields."""
        return np.random.default_rng([entropy, *([] if np.isnan(seed) else [seed])])

    for model, (seeds, several) in models.items():
        at = [points(None if np.isnan(seed) else seed) for seed in seeds]
        ends = relax(several, grid_points(windows[0], STARTS), likely, windows[0])
        own = [chains(seed) for seed in seeds]
        lost = lost_chains(several, [one.x for one in at], likely, own)[1].mean(1)
        for k, (seed, field) in enumerate(zip(seeds, several.fields, strict=True)):
            noisy = at[k].x + sigma * at[k].noise
            move = best.move(noisy)
            error = ((field.move(noisy) - move) ** 2).sum() / (move**2).sum()
            shares = [(ends.label[k] == sort).mean() for sort in (SPURIOUS, ESCAPED, MOVING)]
            spurious = ends.x[k][ends.label[k] == SPURIOUS]
            places = len(np.unique(np.rint(spurious / sigma), axis=0))
            rows.append([model, seed, sigma, error, *shares, places, lost[k]])
    table = pd.DataFrame(rows, columns=COLUMNS)
    arrays = {}
    for model in drawn:
        errors = table[table["model"] == model].set_index("seed")["error"]
        if len(errors):
            seed = int(errors.sort_values().index[len(errors) // 2])
            seeds, several = models[model]
            field, clean = several.fields[seeds.index(seed)], points(seed).x
            arrays |= _drawn(model, field, windows, clean, likely, chains(seed))
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
    alone = Several([field])
    ends = relax(alone, grid_points(windows[0], PIXELS), likely, windows[0])
    path, lost = lost_chains(alone, [clean], likely, [rng])
    chosen = np.flatnonzero(lost)[:1]
    fields = {
        f"arrows_{k}_{model}": field.move(grid_points(window, ARROWS)).reshape(ARROWS, ARROWS, 2)
        for k, window in enumerate(windows)
    }
    return fields | {
        f"basin_{model}": ends.label.reshape(PIXELS, PIXELS),
        f"rest_{model}": ends.x[ends.label == SPURIOUS],
        f"path_{model}": path[:, 0, chosen[0]] if len(chosen) else path[:0, 0, 0],
    }
