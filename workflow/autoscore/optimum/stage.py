"""What is known exactly about one density, all of it: the stage `optimum`."""

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.bias import COLUMNS, bias_table
from autoscore.optimum.curves import optimum_curves, optimum_plane
from autoscore.optimum.order import order_table


def solve(
    density: Density, settings: dict, levels: dict | list, window: dict | list | None
) -> tuple[dict[str, np.ndarray], pd.DataFrame, pd.DataFrame]:
    """Solve both exact optima of a density, and measure their bias and its order.

    Parameters
    ----------
    density
        Target with d = 1 or 2.
    settings
        The ``optimum`` section of the configuration.
    levels
        The noise grid that is trained, where d = 2 is solved; d = 1 has one in `settings`.
    window
        The noise levels at which the order of convergence is fitted, if it is.

    Returns
    -------
    curves, bias, order
        See `autoscore.optimum.curves`, `autoscore.optimum.bias.bias_table` and
        `autoscore.optimum.order.order_table`; no bias of a finite set of points, and no order
        where none is fitted.
    """
    fitted = np.empty(0) if window is None else noise_levels(window)
    curves, bias = _curves_and_bias(density, settings, levels, fitted)
    return curves, bias, order_table(bias, fitted)


def _curves_and_bias(
    density: Density, settings: dict, levels: dict | list, fitted: np.ndarray
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    if density.dim == 2:
        sigmas, points = noise_levels(levels), settings["plane_points"]
        curves = optimum_plane(density, sigmas, points)
        others = np.setdiff1d(sigmas, fitted)
        parts = ((others, points), (fitted, 2 * points - 1))
        tables = [bias_table(density, part, n) for part, n in parts if len(part)]
        return curves, pd.concat(tables, ignore_index=True)
    sigmas = noise_levels(settings["sigmas"])
    curves = optimum_curves(density, sigmas, settings["points"], settings["solver_points"])
    if isinstance(density, KernelDensity):
        return curves, pd.DataFrame(columns=COLUMNS)
    return curves, bias_table(density, np.union1d(sigmas, fitted), settings["solver_points"])
