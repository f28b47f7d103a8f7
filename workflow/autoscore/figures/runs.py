"""Which runs the figures of chains show."""

import numpy as np
import pandas as pd

from autoscore.figures.style import model_look
from autoscore.files.storage import read_arrays


def drawn_runs(inputs: dict[str, str], plan: str) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return the stored arrays of a density, and the rows of the plan's runs with stored draws."""
    arrays, table = read_arrays(inputs["chains"]), pd.read_csv(inputs["diagnostics"])
    return arrays, table[(table["plan"] == plan) & table["chains"].isin(list(arrays))]


def field_and_level(run: tuple) -> str:
    """Return what drives a run, with its noise level if it has one."""
    name = model_look(run.model)["label"] if run.field == "learned" else run.field
    return name if run.sigma == 0 else f"{name}, σ = {run.sigma:g}"


def few(draws: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many of the draws, evenly spaced."""
    return draws[np.linspace(0, len(draws) - 1, min(most, len(draws))).astype(int)]
