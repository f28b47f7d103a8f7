"""What figures of chains have in common: which runs they show."""

import numpy as np
import pandas as pd

from autoscore.files.storage import read_arrays


def drawn_runs(inputs: dict[str, str], plan: str) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return the stored arrays of a density, and the rows of a plan's runs whose draws they hold.

    Parameters
    ----------
    inputs
        ``chains`` and ``diagnostics`` of one density.
    plan
        Its name.
    """
    arrays, table = read_arrays(inputs["chains"]), pd.read_csv(inputs["diagnostics"])
    return arrays, table[(table["plan"] == plan) & table["chains"].isin(list(arrays))]


def few(draws: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many of the draws, evenly spaced."""
    return draws[np.linspace(0, len(draws) - 1, min(most, len(draws))).astype(int)]
