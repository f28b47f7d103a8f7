"""Everything that is known exactly about one density: the stage `optimum`."""

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.bias import BIAS, bias_table, order_table
from autoscore.optimum.curves import optimum_curves, optimum_plane
from autoscore.optimum.losses import LOSSES, loss_table


def solve(
    density: Density, settings: dict, levels: dict | list, window: dict | list | None
) -> tuple[dict[str, np.ndarray], pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Solve both exact optima of a density, and measure their bias, its order and their losses.

    The target has d = 1 or 2. `settings` is the ``optimum`` section of the configuration, with the
    noise grid for d = 1; d = 2 is solved at the `levels` that are trained. The order is fitted in
    the `window`, if there is one. See `autoscore.optimum.curves`, `autoscore.optimum.bias` and
    `autoscore.optimum.losses` for what is returned. A finite set of points has no bias, and losses
    of d = 1 are those of the stage `geometry`.
    """
    losses = pd.DataFrame(columns=LOSSES)
    fitted = np.empty(0) if window is None else noise_levels(window)
    if density.dim == 2:
        sigmas, points = noise_levels(levels), settings["plane_points"]
        curves = optimum_plane(density, sigmas, points)
        others = np.setdiff1d(sigmas, fitted)
        parts = ((others, points), (fitted, 2 * points - 1))
        tables = [bias_table(density, part, n) for part, n in parts if len(part)]
        bias = pd.concat(tables, ignore_index=True)
        losses = loss_table(density, sigmas, points)
    else:
        sigmas = noise_levels(settings["sigmas"])
        curves = optimum_curves(density, sigmas, settings["points"], settings["solver_points"])
        bias = pd.DataFrame(columns=BIAS)
        if not isinstance(density, KernelDensity):
            bias = bias_table(density, np.union1d(sigmas, fitted), settings["solver_points"])
    return curves, bias, order_table(bias, fitted), losses
