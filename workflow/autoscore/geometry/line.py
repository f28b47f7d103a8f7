"""The one-dimensional field: r(x) - x on a grid, and where it vanishes."""

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.models.registry import Learned
from autoscore.numerics.errors import fixed_points
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.bias import GRID_POINTS, optimal_field


def displacement_curves(
    density: Density,
    learned: Learned,
    settings: dict,
    x: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return r(x) - x of the best reconstructions and of those that were learned, one a level.

    These are separate auto-encoders of the density itself where there are some, else of the most
    points.

    Parameters
    ----------
    density
        Target with d = 1.
    learned
        Trained stacks by (objective, model, source).
    settings
        The ``train`` section of the density's configuration.
    x
        Grid of shape ``(n,)``.

    Returns
    -------
    dict
        The grid ``x``, the levels ``sigmas``; for each objective ``best_dae`` and so on, of shape
        ``(levels, n)``, and ``dae`` and so on, of shape ``(levels, seeds, n)``.
    """
    sigmas = noise_levels(settings["sigmas"])
    columns = x[:, None]
    curves = {"x": x, "sigmas": sigmas}
    for objective in ("dae", "rcae"):
        stack = learned.get(
            (objective, "separate", "exact"), learned.get((objective, "separate", "samples"))
        )
        if stack is None:
            continue
        fields = [
            [stack.field(sigma, k, stack.sizes.max()) for k in range(settings["seeds"])]
            for sigma in sigmas
        ]
        curves[objective] = np.array(
            [[field.move(columns)[:, 0] for field in level] for level in fields]
        )
        if objective == "dae" or not density.is_degenerate:
            best = [optimal_field(density, objective, sigma, GRID_POINTS) for sigma in sigmas]
            curves[f"best_{objective}"] = np.array([r.move(columns)[:, 0] for r in best])
    return curves


def fixed_point_table(curves: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return where the reconstructions of `displacement_curves` leave x as it is.

    Returns
    -------
    pandas.DataFrame
        A row a fixed point: objective, model (``exact`` or ``separate``), sigma, seed, x, stable.
    """
    rows = []
    for objective in ("dae", "rcae"):
        for level, sigma in enumerate(curves["sigmas"]):
            found = []
            if f"best_{objective}" in curves:
                found.append(("exact", None, curves[f"best_{objective}"][level]))
            if objective in curves:
                seeds = enumerate(curves[objective][level])
                found += [("separate", seed, displacement) for seed, displacement in seeds]
            for model, seed, displacement in found:
                labels = {"objective": objective, "model": model, "sigma": sigma, "seed": seed}
                points = zip(*fixed_points(curves["x"], displacement), strict=True)
                rows += [labels | {"x": x, "stable": stable} for x, stable in points]
    columns = ["objective", "model", "sigma", "seed", "x", "stable"]
    return pd.DataFrame(rows, columns=columns).astype({"seed": "Int64"})
