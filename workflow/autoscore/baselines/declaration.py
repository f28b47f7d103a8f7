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
    """An estimator that is given the points that auto-encoders are trained on.

    Attributes
    ----------
    name, about
        In tables and in the configuration; what it is, for the schema.
    look
        How figures draw it: colour, line style, marker and label.
    fit
        ``fit(points, validation, rng)`` takes ``(n, d)`` and ``(m, d)`` and returns an estimate.
    score
        ``score(estimate, sigma, x)`` is its score of p_sigma, or p for sigma = 0, at x ``(k, d)``.
    field
        ``field(estimate, sigma)`` is its reconstruction for sigma > 0, whose score must be that of
        ``score``. Every baseline with a field is in every table of held-out losses.
    objective
        Its entry in the column ``objective`` of error tables.
    needs_validation
        Whether it chooses something on validation points, of which it then gets some.
    selectable
        Whether densities may list it under ``baselines``.
    clean, noisy
        Whether it estimates the score of p, and that of p_sigma.
    widest
        Largest sample on which it is measured under noise.
    most_points
        Most evaluation points for d > 1, halved for samples above `widest`; None for all.
    """

    name: str
    about: str
    look: Mapping[str, str]
    fit: Callable[[np.ndarray, np.ndarray, np.random.Generator], Any]
    score: Callable[[Any, float, np.ndarray], np.ndarray] | None = None
    field: Callable[[Any, float], Field] | None = None
    objective: str = "dae"
    needs_validation: bool = False
    selectable: bool = True
    clean: bool = True
    noisy: bool = True
    widest: float = np.inf
    most_points: int | None = None
