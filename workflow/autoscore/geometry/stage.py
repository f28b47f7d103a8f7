"""The shape of the fields learned on one density: the stage `geometry`."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.densities.curves import Curve
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.samples import Units
from autoscore.fields import Field
from autoscore.geometry.arms import COLUMNS as ARMS
from autoscore.geometry.arms import arm_rows
from autoscore.geometry.attractors import COLUMNS as ATTRACTORS
from autoscore.geometry.attractors import attractors
from autoscore.geometry.curve import direction_profile, slopes_along, tangent_profile
from autoscore.geometry.fixed_points import positions
from autoscore.geometry.line import LOSSES, displacement_curves, fixed_point_table, loss_table
from autoscore.geometry.plane import arrows, fixed_points_in, maps
from autoscore.geometry.summary import summary_rows
from autoscore.geometry.windows import window_of, windows_of
from autoscore.models.registry import MODELS, Learned
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.bias import GRID_POINTS, optimal_field
from autoscore.optimum.curves import curve_grid

SHOWN = ("conditioned", "separate", "paper")  # models whose fields are drawn
DRAWN = ("paper", "paper_solved", "separate")  # models whose attractors are drawn
DIRECTIONS = 2000  # in which fields are differentiated, at all held-out points together
COLUMNS = {
    "summary": ["objective", "model", "sigma", "seed", "n", "quantity", "value"],
    "losses": LOSSES,
    "fixed_points": [
        "x1", "x2", "kind", "growth", "decay", "slowest", "slow", "turning", "residual", "starts",
        "extent", "reconstruction_error", "log_density", "low_error", "low_density",
        "local_correlation", "field", "seed",
    ],
    "arms": ARMS,
    "profiles": [
        "field", "low", "high", "points", "distance", "cosine", "cosine_low", "cosine_high",
        "profile", "t", "eigenvalue", "second", "seed",
    ],
    "attractors": ATTRACTORS,
}  # fmt: skip


def measure(
    density: Density,
    learned: Learned,
    held_out: np.ndarray,
    settings: dict,
    rng: np.random.Generator,
    units: Units | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, pd.DataFrame]]:
    """Return arrays for the figures of the learned fields, and the tables of `COLUMNS`.

    Tables that do not apply have no rows. `held_out` are draws from the density, ``(m, d)``, not
    needed for d = 1. `settings` are ``sigmas``, ``points`` (of the grid, d = 1), and ``shown``, the
    ``sigma`` and ``windows`` of the ``figures``. Coordinates are reported in the
    user's `units`, by default those that are learned.
    """
    units = units or Units.stored({"train": held_out})
    titles = {"titles": np.array(units.titles)}
    tables = {name: pd.DataFrame(columns=columns) for name, columns in COLUMNS.items()}
    levels = noise_levels(settings["sigmas"])
    if density.dim == 1:
        x = curve_grid(density, settings["points"], levels.max())
        curves = displacement_curves(density, learned, settings, x)
        tables["fixed_points"] = fixed_point_table(curves)
        if not density.is_degenerate:
            tables["losses"] = loss_table(density, learned, levels)
        return curves | titles, tables
    x = held_out[: max(100, DIRECTIONS // density.dim)]
    # a user's held-out points may be few
    shown = np.concatenate([x, density.points]) if isinstance(density, KernelDensity) else x
    plain = {run: stack for run, stack in learned.items() if density.dim == 2 or run[1] in MODELS}
    summary = summary_rows(density, plain, levels, x, rng, window_of(shown, levels[0]))
    tables["summary"] = pd.DataFrame(summary, columns=COLUMNS["summary"])
    if density.dim > 2:
        return titles, tables
    sigma = levels[np.abs(np.log(levels / settings["shown"]["sigma"])).argmin()]
    seeds = shown_fields(density, learned, sigma)
    around = windows_of(shown, sigma)
    asked = [[[a - h, a + h], [b - h, b + h]] for a, b, h in settings["shown"]["windows"]]
    asked = [units.inward(np.array(box).T).T for box in asked]
    arrays = arrows(seeds[0], shown, asked or around)
    if isinstance(density, Curve):
        own = rng.spawn(1)[0]  # which changes no draw of rng
        arms = arm_rows(density, learned, settings["sigmas"], held_out, own)
        arms = pd.DataFrame(arms, columns=COLUMNS["arms"]).astype({"seed": "Int64"})
        tables["arms"] = arms
        arrays |= slopes_along(density, seeds[0])
        direction = direction_profile(density, seeds[0], rng).assign(profile="direction")
        tangent = [tangent_profile(density, fields) for fields in seeds.values()]
        tangent = _over_seeds(seeds, tangent).assign(profile="tangent")
        tables["profiles"] = pd.concat([direction, tangent], ignore_index=True)
    if "map" in settings["figures"]:
        arrays |= maps(density, seeds[0], around)
        fixed = [fixed_points_in(around, density, fields, x, rng) for fields in seeds.values()]
        fixed = _over_seeds(seeds, fixed)
        if len(fixed):
            fixed[["x1", "x2"]] = units.outward(positions(fixed))
        tables["fixed_points"] = fixed
    if settings["shown"]["attractors"]:
        found = attractors(density, learned, sigma, asked or around, x, rng, DRAWN)
        tables["attractors"] = found[1]
        arrays |= found[0]
    return _in_units(arrays, units) | titles, tables


def _in_units(arrays: dict[str, np.ndarray], units: Units) -> dict[str, np.ndarray]:
    """Return positions and arrows of the plane in the user's units; norms and curls stay."""
    converted = dict(arrays)
    for name, array in arrays.items():
        if name.startswith(("window_", "map_")):
            converted[name] = units.outward(array.T).T
        elif name == "points":
            converted[name] = units.outward(array)
        elif name.startswith("arrows_"):
            converted[name] = units.spread * array
    return converted


def shown_fields(density: Density, learned: Learned, sigma: float) -> dict[int, dict[str, Field]]:
    """Return the fields learned from samples at a noise level, by seed and model.

    Seed 0, which figures show, has the exact denoising field as well. Of each model that was
    trained at this level it is the field learned from the most points.
    """
    found = {0: {"exact": optimal_field(density, "dae", sigma, GRID_POINTS)}}
    for (objective, model, source), stack in learned.items():
        if model not in SHOWN or (objective, source) != ("dae", "samples"):
            continue
        for seed in np.unique(stack.seeds).tolist() if len(stack.known([sigma])) else ():
            found.setdefault(seed, {})[model] = stack.field(sigma, seed, stack.sizes.max())
    return found


def _over_seeds(seeds: Iterable[int], tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the tables of each seed's fields in one. Exact rows leave `seed` empty."""
    parts = [table.assign(seed=seed) for seed, table in zip(seeds, tables, strict=True)]
    whole = pd.concat(parts, ignore_index=True)
    return whole.assign(seed=whole["seed"].astype("Int64").where(whole["field"] != "exact"))
