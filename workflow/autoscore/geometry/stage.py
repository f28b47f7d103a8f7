"""The shape of the fields learned on one density: the stage `geometry`."""

from collections.abc import Iterable, Mapping
from functools import cache

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
from autoscore.geometry.plane import arrows, fixed_points_in, flows, maps
from autoscore.geometry.summary import Points, summary_rows
from autoscore.geometry.windows import window_of, windows_of
from autoscore.models.registry import MODELS, Learned
from autoscore.nulls import Fits, Fitted, fits, places
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.optimum.bias import GRID_POINTS, optimal_field
from autoscore.optimum.curves import curve_grid

SHOWN = ("conditioned", "separate", "paper")  # models whose fields are drawn
FIELDS = ("exact", "conditioned", "separate")  # whose fields are kept at every level
DRAWN = ("paper", "paper_solved", "separate")  # models whose attractors are drawn
PER_SEED = 2  # each seed has a half as many held-out points as there are, of its own
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
    data: Mapping[str, np.ndarray],
    settings: dict,
    streams: tuple,
    units: Units | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, pd.DataFrame]]:
    """Return arrays for the figures of the learned fields, and the tables of `COLUMNS`.

    Tables that do not apply have no rows. `data` are those of `autoscore.data.draw_data`.
    `settings` are ``sigmas``, the ``architecture`` of null models, ``points`` (of the grid, d = 1),
    and ``shown``, the ``sigma`` and ``windows`` of the ``figures``; `streams` name the random
    streams. Coordinates are reported in the user's `units`, by default those that are learned.
    """
    held_out = data["held_out"]
    nulls = fits(density, data, settings["architecture"], (streams[0], "nulls", *streams[2:]))
    units = units or Units.stored({"train": held_out})
    titles = {"titles": np.array(units.titles)}
    tables = {name: pd.DataFrame(columns=columns) for name, columns in COLUMNS.items()}
    levels = noise_levels(settings["sigmas"])
    if density.dim == 1:
        x = curve_grid(density, settings["points"], levels.max())
        curves = displacement_curves(density, learned, settings, x)
        tables["fixed_points"] = fixed_point_table(curves, learned, nulls)
        if not density.is_degenerate:
            tables["losses"] = loss_table(density, learned, levels, nulls)
        return curves | titles, tables
    x = held_out[: max(100, DIRECTIONS // density.dim)]
    # a user's held-out points may be few
    shown = np.concatenate([x, density.points]) if isinstance(density, KernelDensity) else x
    plain = {run: stack for run, stack in learned.items() if density.dim == 2 or run[1] in MODELS}
    rng, window = generator(*streams), window_of(shown, levels[0])

    @cache
    def points(seed: int | None) -> Points:
        """Return the points of a seed: draws of its own, unless they are a user's."""
        if seed is None:
            return Points.drawn(x, window, rng)
        own, drawn = generator(*streams, seed), x
        if not isinstance(density, KernelDensity):
            drawn = density.sample(max(1, len(x) // PER_SEED), own)
        return Points.drawn(drawn, window, own)

    points(None)  # draws from rng before all else does
    summary = summary_rows(density, plain, nulls, levels, points, window)
    tables["summary"] = pd.DataFrame(summary, columns=COLUMNS["summary"])
    if density.dim > 2:
        return titles, tables
    sigma = levels[np.abs(np.log(levels / settings["shown"]["sigma"])).argmin()]
    seeds = shown_fields(density, learned, sigma)
    around = windows_of(shown, sigma)
    asked = [[[a - h, a + h], [b - h, b + h]] for a, b, h in settings["shown"]["windows"]]
    asked = [units.inward(np.array(box).T).T for box in asked]
    beside = {seed: _null_fields(learned, nulls, sigma, seed) for seed in seeds}
    arrays = arrows(seeds[0], shown, asked or around)
    if "quiver" in settings["figures"]:
        arrays |= flows(_by_level(density, learned, levels), window_of(shown, sigma))
    if isinstance(density, Curve):
        arms = arm_rows(density, learned, nulls, levels)
        arms = pd.DataFrame(arms, columns=COLUMNS["arms"]).astype({"seed": "Int64"})
        tables["arms"] = arms
        arrays |= slopes_along(density, seeds[0])
        direction = direction_profile(density, seeds[0], rng).assign(profile="direction")
        both = [
            fields | {fitted.name: field for fitted, field in beside[seed]}
            for seed, fields in seeds.items()
        ]
        tangent = [tangent_profile(density, fields) for fields in both]
        tangent = _over_seeds(seeds, tangent).assign(profile="tangent")
        tables["profiles"] = pd.concat([direction, tangent], ignore_index=True)
    if "map" in settings["figures"]:
        arrays |= maps(density, seeds[0], around)
        fixed, smoothed = [], density.smoothed(sigma)
        for seed, fields in seeds.items():
            at = points(seed).x
            # where nothing moves every point is one, and pairs of points would take minutes
            quick = {f.name: r for f, r in beside[seed] if f.most is None and r.move(at).any()}
            fixed.append(fixed_points_in(around, smoothed, fields | quick, at, rng))
        fixed = _over_seeds(seeds, fixed)
        if len(fixed):
            fixed[["x1", "x2"]] = units.outward(positions(fixed))
        tables["fixed_points"] = fixed
    if settings["shown"]["attractors"]:
        null_fields = {
            seed: {fitted.name: field for fitted, field in those} for seed, those in beside.items()
        }
        where = (sigma, asked or around, points, rng, DRAWN)
        found = attractors(density, learned, null_fields, *where)
        tables["attractors"] = found[1]
        arrays |= found[0]
    return _in_units(arrays, units) | titles, tables


def _in_units(arrays: dict[str, np.ndarray], units: Units) -> dict[str, np.ndarray]:
    """Return positions and arrows of the plane in the user's units; norms and curls stay."""
    converted = dict(arrays)
    for name, array in arrays.items():
        if name.startswith(("window_", "map_")) or name == "grid_window":
            converted[name] = units.outward(array.T).T
        elif name == "points":
            converted[name] = units.outward(array)
        elif name.startswith(("arrows_", "grid_")) and name != "grid_sigmas":
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


def _by_level(
    density: Density, learned: Learned, levels: np.ndarray
) -> dict[str, dict[float, Field]]:
    """Return the fields of seed 0 in `FIELDS` by model and level, ``exact`` among them."""
    found: dict[str, dict[float, Field]] = {}
    for sigma in map(float, levels):
        for name, field in shown_fields(density, learned, sigma)[0].items():
            if name in FIELDS:
                found.setdefault(name, {})[sigma] = field
    return found


def _null_fields(
    learned: Learned, nulls: Fits, sigma: float, seed: int
) -> list[tuple[Fitted, Field]]:
    """Return the null models of a seed at a noise level, fitted to the most points there are."""
    at = places({run: stack for run, stack in learned.items() if run[2] == "samples"}, [sigma])
    sizes = [size for (size, other), levels in at.items() if other == seed and sigma in levels]
    return [(fitted, fitted.field(sigma)) for fitted in nulls(max(sizes), seed)] if sizes else []


def _over_seeds(seeds: Iterable[int], tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the tables of each seed's fields in one. Exact rows leave `seed` empty."""
    parts = [table.assign(seed=seed) for seed, table in zip(seeds, tables, strict=True)]
    whole = pd.concat(parts, ignore_index=True)
    return whole.assign(seed=whole["seed"].astype("Int64").where(whole["field"] != "exact"))
