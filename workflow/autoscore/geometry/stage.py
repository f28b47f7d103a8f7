"""The shape of the fields learned on one density, all of it: the stage `geometry`."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.densities.curves import Curve
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.samples import Units
from autoscore.fields import Field
from autoscore.geometry.fixed_points import positions
from autoscore.geometry.line import displacement_curves, fixed_point_table
from autoscore.geometry.losses import both_losses, matching_gap, noisy_pairs
from autoscore.geometry.plane import arrows, direction_profile, judged_points, maps, tangent_profile
from autoscore.geometry.summary import summary_rows
from autoscore.geometry.windows import window_of, windows_of
from autoscore.models.registry import MODELS, Learned
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.bias import GRID_POINTS, optimal_field
from autoscore.optimum.curves import curve_grid

SHOWN = ("conditioned", "separate", "paper")  # whose fields are drawn
DIRECTIONS = 2000  # at all held-out points together, in which fields are differentiated
COLUMNS = {
    "summary": ["objective", "model", "sigma", "seed", "n", "quantity", "value"],
    "losses": [
        "objective", "model", "seed", "sigma",
        "denoising", "contractive", "difference", "matching_gap",
    ],
    "fixed_points": [
        "x1", "x2", "kind", "growth", "decay", "slowest", "slow", "turning", "residual", "starts",
        "extent", "reconstruction_error", "log_density", "low_error", "low_density",
        "local_correlation", "field", "seed",
    ],
    "profiles": [
        "field", "low", "high", "points", "distance", "cosine", "cosine_low", "cosine_high",
        "profile", "t", "eigenvalue", "second", "seed",
    ],
}  # fmt: skip


def measure(
    density: Density,
    learned: Learned,
    held_out: np.ndarray,
    settings: dict,
    rng: np.random.Generator,
    units: Units | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, pd.DataFrame]]:
    """Return everything that the figures show of the learned fields, and its numbers.

    Parameters
    ----------
    density
        What was learned.
    learned
        Trained stacks by (objective, model, source).
    held_out
        Draws from the density, ``(m, d)``; none in one dimension.
    settings
        ``sigmas``, ``seeds``, ``points`` (of the grid, d = 1), and ``shown``: the ``sigma`` and
        the ``windows`` of the figures, and which ``figures`` there are.
    rng
        Draws noise and points in windows.
    units
        How the coordinates are told, if not as they are learned.

    Returns
    -------
    arrays, tables
        Arrays for the figures; the tables ``summary``, ``losses``, ``fixed_points`` and
        ``profiles``, those that do not apply without rows.
    """
    units = units or Units.stored({"train": held_out})
    titles = {"titles": np.array(units.titles)}
    if density.dim == 1:
        arrays, tables = _measure_line(density, learned, settings)
        return arrays | titles, tables
    x = held_out[: max(100, DIRECTIONS // density.dim)]
    # a user's held-out points may be few
    shown = np.concatenate([x, density.points]) if isinstance(density, KernelDensity) else x
    levels = noise_levels(settings["sigmas"])
    plain = {run: stack for run, stack in learned.items() if density.dim == 2 or run[1] in MODELS}
    window = window_of(shown, levels[0])
    summary = summary_rows(density, plain, levels, x, rng, window)
    tables = _without_rows() | {"summary": pd.DataFrame(summary, columns=COLUMNS["summary"])}
    arrays: dict[str, np.ndarray] = {}
    if density.dim == 2:
        sigma = levels[np.abs(np.log(levels / settings["shown"]["sigma"])).argmin()]
        seeds = shown_fields(density, learned, sigma)
        around = windows_of(shown, sigma)
        arrays = arrows(seeds[0], shown, _asked_windows(settings, units) or around)
        if isinstance(density, Curve):
            direction = direction_profile(density, seeds[0], rng).assign(profile="direction")
            tangent = over_seeds(seeds, partial(tangent_profile, density)).assign(profile="tangent")
            tables["profiles"] = pd.concat([direction, tangent], ignore_index=True)
        if "map" in settings["figures"]:
            arrays |= maps(density, seeds[0], around)
            tables["fixed_points"] = over_seeds(
                seeds, partial(judged_points, density, x=x, windows=around, rng=rng)
            )
    return _told(arrays, units) | titles, tables | _told_points(tables["fixed_points"], units)


def _without_rows() -> dict[str, pd.DataFrame]:
    return {name: pd.DataFrame(columns=columns) for name, columns in COLUMNS.items()}


def _asked_windows(settings: dict, units: Units) -> list[np.ndarray]:
    """Return the windows that the configuration names, in the coordinates that are learned."""
    boxes = [[[a - h, a + h], [b - h, b + h]] for a, b, h in settings["shown"]["windows"]]
    return [units.inward(np.array(box).T).T for box in boxes]


def _told(arrays: dict[str, np.ndarray], units: Units) -> dict[str, np.ndarray]:
    """Return what figures of the plane show in the user's units; lengths stay as they are."""
    told = dict(arrays)
    for name, array in arrays.items():
        if name.startswith(("window_", "map_")):
            told[name] = units.outward(array.T).T
        elif name == "points":
            told[name] = units.outward(array)
        elif name.startswith("arrows_"):
            told[name] = units.spread * array
    return told


def _told_points(fixed: pd.DataFrame, units: Units) -> dict[str, pd.DataFrame]:
    """Return the table of fixed points with its coordinates in the user's units."""
    if len(fixed):
        coordinates = [f"x{axis + 1}" for axis in range(len(units.titles))]
        fixed = fixed.assign(
            **dict(zip(coordinates, units.outward(positions(fixed)).T, strict=True))
        )
    return {"fixed_points": fixed}


def shown_fields(density: Density, learned: Learned, sigma: float) -> dict[int, dict[str, Field]]:
    """Return what each model learned of a density at a level, as fields by seed and name.

    Those of seed 0, which figures show, have the exact denoising field among them. Of each model
    that was trained at this level it is what it learned from the most points.
    """
    found = {0: {"exact": optimal_field(density, "dae", sigma, GRID_POINTS)}}
    for (objective, model, source), stack in learned.items():
        if model not in SHOWN or (objective, source) != ("dae", "samples"):
            continue
        for seed in np.unique(stack.seeds).tolist() if len(stack.known([sigma])) else ():
            found.setdefault(seed, {})[model] = stack.field(sigma, seed, stack.sizes.max())
    return found


def over_seeds(
    seeds: dict[int, dict[str, Field]], table: Callable[[dict[str, Field]], pd.DataFrame]
) -> pd.DataFrame:
    """Return the tables of each seed's fields, one after another. Exact rows leave `seed` empty."""
    parts = [table(fields).assign(seed=seed) for seed, fields in seeds.items()]
    whole = pd.concat(parts, ignore_index=True)
    learned = whole["field"] != "exact"
    return whole.assign(seed=whole["seed"].astype("Int64").where(learned))


def _measure_line(
    density: Density, learned: Learned, settings: dict
) -> tuple[dict[str, np.ndarray], dict[str, pd.DataFrame]]:
    x = curve_grid(density, settings["points"], noise_levels(settings["sigmas"]).max())
    curves = displacement_curves(density, learned, settings, x)
    tables = _without_rows() | {"fixed_points": fixed_point_table(curves)}
    if not density.is_degenerate:
        tables["losses"] = loss_table(density, learned, noise_levels(settings["sigmas"]))
    return curves, tables


def loss_table(density: Density, learned: Learned, sigmas: np.ndarray) -> pd.DataFrame:
    """Return both losses of the exact optima and of models trained on the density itself (P1).

    A row for each objective, model, seed and sigma, with the columns of
    `autoscore.geometry.losses.both_losses`, and ``matching_gap``, see that function (C9); the model
    ``fixed`` is the best denoising reconstruction of the largest noise level, kept at all levels:
    P1 does not hold for it.
    """
    quadrature = density.quadrature()
    fixed = optimal_field(density, "dae", sigmas.max(), GRID_POINTS)
    rows = []
    for sigma in sigmas:
        pairs = noisy_pairs(*quadrature, sigma)
        best = {o: optimal_field(density, o, sigma, GRID_POINTS) for o in ("dae", "rcae")}
        judged = [(objective, "exact", None, field) for objective, field in best.items()]
        judged.append(("dae", "fixed", None, fixed))
        judged += [
            (objective, model, seed, stack.field(sigma, seed))
            for (objective, model, source), stack in learned.items()
            for seed in (np.unique(stack.seeds) if source == "exact" else ())
        ]
        ideal = best["dae"](pairs.y)
        for objective, model, seed, field in judged:
            row = {"objective": objective, "model": model, "seed": seed, "sigma": sigma}
            row |= both_losses(field, sigma, pairs)
            if seed is not None:
                row["matching_gap"] = matching_gap(field(pairs.y), ideal, pairs)
            rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS["losses"]).astype({"seed": "Int64"})
