"""The shape of the fields learned on one density, all of it: the stage `geometry`."""

import numpy as np
import pandas as pd

from autoscore.autoencoders.conditioned import Conditioned
from autoscore.autoencoders.ensemble import Ensemble
from autoscore.autoencoders.kinds import KINDS
from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.geometry.line import displacement_curves, fixed_point_table
from autoscore.geometry.losses import (
    gaussian_nodes,
    loss_table,
    matching_gap,
    reconstructions,
)
from autoscore.geometry.plane import arrows, plane_map, profile_table
from autoscore.geometry.summary import summary_rows
from autoscore.grids import noise_levels
from autoscore.optimum.bias import GRID_POINTS, optimal_field
from autoscore.optimum.curves import curve_grid

Learned = dict[tuple[str, str, str], Ensemble | Conditioned]
SHOWN = ("conditioned", "ensemble", "paper")  # whose fields are drawn
DIRECTIONS = 2000  # at all held-out points together, in which fields are differentiated


def measure(
    density: Density,
    learned: Learned,
    held_out: np.ndarray,
    settings: dict,
    rng: np.random.Generator,
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

    Returns
    -------
    arrays, tables
        Arrays for the figures; the tables ``summary``, ``losses``, ``fixed_points`` and
        ``profiles``.
    """
    if density.dim == 1:
        return _measure_line(density, learned, settings)
    x = held_out[: max(100, DIRECTIONS // density.dim)]
    plain = {run: stack for run, stack in learned.items() if density.dim == 2 or run[1] in KINDS}
    rows = summary_rows(density, plain, settings["sigmas"], x, rng)
    tables = {
        "summary": pd.DataFrame(rows),
        "losses": pd.DataFrame(),
        "fixed_points": pd.DataFrame(),
        "profiles": pd.DataFrame(),
    }
    arrays: dict[str, np.ndarray] = {}
    if density.dim == 2:
        levels = noise_levels(settings["sigmas"])
        sigma = levels[np.abs(np.log(levels / settings["shown"]["sigma"])).argmin()]
        fields = shown_fields(density, learned, sigma)
        arrays = arrows(fields, x, settings["shown"]["windows"])
        tables["profiles"] = profile_table(density, fields, rng)
        if "map" in settings["figures"]:
            mapped, tables["fixed_points"] = plane_map(density, fields, x)
            arrays |= mapped
    return arrays, tables


def shown_fields(density: Density, learned: Learned, sigma: float) -> dict[str, Field]:
    """Return the exact denoising field at a level, and what each model learned of it.

    Of each model that was trained at this level it is the first seed with the most points.
    """
    fields: dict[str, Field] = {"exact": optimal_field(density, "dae", sigma, GRID_POINTS)}
    for (objective, model, source), stack in learned.items():
        trained = len(stack.known([sigma]))
        if model in SHOWN and (objective, source) == ("dae", "samples") and trained:
            fields[model] = stack.field(sigma, stack.seeds.min(), stack.sizes.max())
    return fields


def _measure_line(
    density: Density, learned: Learned, settings: dict
) -> tuple[dict[str, np.ndarray], dict[str, pd.DataFrame]]:
    curves = displacement_curves(
        density, learned, settings, curve_grid(density, settings["points"])
    )
    tables = {
        "summary": pd.DataFrame(),
        "losses": pd.DataFrame(),
        "fixed_points": fixed_point_table(curves),
        "profiles": pd.DataFrame(),
    }
    if not density.is_bare:
        tables["losses"] = both_losses(density, learned, noise_levels(settings["sigmas"]))
    return curves, tables


def both_losses(density: Density, learned: Learned, sigmas: np.ndarray) -> pd.DataFrame:
    """Return both losses of the exact optima and of what was learned of the density itself (P1).

    A row for each objective, model, seed and sigma, with the columns of
    `autoscore.geometry.losses.loss_table`, and ``matching_gap``, see that function (C9); the model
    ``fixed`` is the best denoising reconstruction of the largest noise level, kept at all levels:
    P1 does not hold for it.
    """
    x, weights = density.quadrature()
    noise = gaussian_nodes(density.dim, 32)
    parts = []

    def seen(fields: list[Field]) -> list[np.ndarray]:
        return [
            reconstructions(r, sigma, x, noise) for r, sigma in zip(fields, sigmas, strict=True)
        ]

    def add(fields: list[Field], found: list[np.ndarray], **labels: object) -> None:
        table = loss_table(list(zip(sigmas, fields, strict=True)), x, weights, noise, found)
        if labels["model"] not in ("exact", "fixed"):
            pairs = zip(found, ideal, strict=True)
            table["matching_gap"] = [matching_gap(r, best, x, weights, noise) for r, best in pairs]
        parts.append(table.assign(**labels))

    for objective in ("dae", "rcae"):
        best = [optimal_field(density, objective, sigma, GRID_POINTS) for sigma in sigmas]
        found = seen(best)
        add(best, found, objective=objective, model="exact", seed=None)
        if objective == "dae":
            ideal, fixed = found, [best[-1]] * len(sigmas)
            add(fixed, seen(fixed), objective=objective, model="fixed", seed=None)
    for (objective, model, source), stack in learned.items():
        if source == "exact":
            for seed in np.unique(stack.seeds):
                fields = [stack.field(sigma, seed) for sigma in sigmas]
                add(fields, seen(fields), objective=objective, model=model, seed=seed)
    return pd.concat(parts, ignore_index=True).astype({"seed": "Int64"})
