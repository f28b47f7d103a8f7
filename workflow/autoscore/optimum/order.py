"""The order at which the optima approach the score."""

import numpy as np
import pandas as pd

from autoscore.numerics.errors import fitted_order

COLUMNS = ["objective", "order", "low", "high", "levels", "remainder_order", "discretisation"]


def order_table(bias: pd.DataFrame, window: np.ndarray) -> pd.DataFrame:
    """Fit the order of convergence in a window of noise levels (statement C1: order 2).

    Parameters
    ----------
    bias
        What `autoscore.optimum.bias.bias_table` returned.
    window
        Noise levels, all of them in the table, two or more; or none.

    Returns
    -------
    pandas.DataFrame
        A row an objective: ``order``; the window's ``low``, ``high`` and number of ``levels``;
        ``remainder_order``, that of what is left without the leading term; ``discretisation``,
        the largest ratio of the (root mean square) discretisation error to the measured one.
    """
    inside = bias[np.isclose(bias["sigma"].to_numpy()[:, None], window, rtol=1e-9).any(1)]
    rows = []
    for objective, part in inside.groupby("objective"):
        sigmas = part["sigma"].to_numpy()
        rows.append(
            {
                "objective": objective,
                "order": fitted_order(sigmas, part["relative_error"].to_numpy()),
                "low": sigmas.min(),
                "high": sigmas.max(),
                "levels": len(sigmas),
                "remainder_order": fitted_order(sigmas, part["remainder"].to_numpy()),
                "discretisation": float(
                    np.sqrt((part["discretisation"] / part["relative_error"]).max())
                ),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)
