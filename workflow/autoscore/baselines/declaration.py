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
    name
        How tables and the configuration call it.
    about
        What it is, for the schema.
    look
        How figures draw it: colour, line style, marker and label.
    fit
        ``fit(points, validation, rng)`` takes ``(n, d)`` and ``(m, d)``, m > 0 if
        `needs_validation`, and returns an estimate.
    score
        ``score(estimate, sigma, x)`` returns its score of p_sigma at x, ``(k, d)``; of p for
        sigma = 0.
    field
        ``field(estimate, sigma)`` returns its reconstruction for sigma > 0, whose score has to be
        that of ``score``; None if it has none. One that has is in every table of held-out losses.
    objective
        Its entry in the column ``objective`` of error tables.
    needs_validation
        Whether it chooses something on validation points.
    chosen
        Whether densities may list it under ``baselines``.
    clean, noisy
        Whether it estimates the score of p; whether that of p_sigma.
    widest
        Largest sample on which it is measured under noise.
    measured
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
    chosen: bool = True
    clean: bool = True
    noisy: bool = True
    widest: float = np.inf
    measured: int | None = None


def field_score(baseline_field: Callable[[Any, float], Field]) -> Callable:
    """Return the score that a reconstruction has at each noise level > 0."""
    return lambda estimate, sigma, x: baseline_field(estimate, sigma).score(x)
