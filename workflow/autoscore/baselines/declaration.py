"""What a baseline declares of itself; tables, schema and figures derive from it.

A baseline is one module of this folder with ``BASELINE``, a `Baseline`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoscore.fields import Field


@dataclass(frozen=True)
class Baseline:
    """An estimator that is given the points that auto-encoders are trained on."""

    name: str  # in tables and in the configuration
    about: str  # what it is, for the schema
    look: Mapping[str, str]  # colour, line style, marker and label in figures
    # from training points (n, d) and validation points (m, d) to an estimate
    fit: Callable[[np.ndarray, np.ndarray, np.random.Generator], Any]
    # score(estimate, sigma, x) of p_sigma, or of p for sigma = 0, at x (k, d)
    score: Callable[[Any, float, np.ndarray], np.ndarray] | None = None
    # field(estimate, sigma), the reconstruction for sigma > 0, with the same score. Every baseline
    # with a field is in every table of held-out losses
    field: Callable[[Any, float], Field] | None = None
    objective: str = "dae"  # its entry in that column of error tables
    needs_validation: bool = False  # whether it chooses something on validation points
    selectable: bool = True  # whether densities may list it under ``baselines``
    clean: bool = True  # whether it estimates the score of p
    noisy: bool = True  # whether it estimates the score of p_sigma
    widest: float = np.inf  # largest sample on which it is measured under noise
    # most evaluation points for d > 1, halved for samples above `widest`; None for all
    most_points: int | None = None
