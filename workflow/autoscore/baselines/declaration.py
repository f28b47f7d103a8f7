"""What a baseline declares of itself; tables, schema and figures derive from it.

A baseline is one module of this folder with ``BASELINE``, a `Baseline`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoscore.fields import Field


@dataclass(frozen=True)
class Given:
    """What a baseline is fitted to: the points that an auto-encoder is trained on, ``(n, d)``.

    Beside them are validation points, ``(m, d)``, a generator, and the ``architecture`` of the
    density's separate auto-encoders as the configuration has it.
    """

    points: np.ndarray
    validation: np.ndarray
    rng: np.random.Generator
    architecture: Mapping


@dataclass(frozen=True)
class Baseline:
    """An estimator that is given the points that auto-encoders are trained on."""

    name: str  # in tables and in the configuration
    about: str  # what it is, for the schema
    look: Mapping[str, str]  # colour, line style, marker and label in figures
    fit: Callable[[Given], Any]  # returns an estimate
    # field(estimate, sigma), the reconstruction for sigma > 0; measured like a trained one
    field: Callable[[Any, float], Field] | None = None
    # score(estimate, x), that of p at x (k, d); its rows have sigma 0
    score: Callable[[Any, np.ndarray], np.ndarray] | None = None
    null: bool = False  # whether it stands beside every trained model, asked for or not
    selectable: bool = False  # whether densities may list it under ``baselines``
    objective: str | None = None  # its entry in that column; None for that of what it stands beside
    needs_validation: bool = False  # whether it chooses something on validation points
    of_density: bool = True  # whether it also stands beside what is trained on the density itself
    # most pairs of a training and an evaluation point for d > 1; None for any number
    pairs: int | None = None
