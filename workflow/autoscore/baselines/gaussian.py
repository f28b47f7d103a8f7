"""A Gaussian with the mean and covariance of the points: the best linear reconstruction."""

import numpy as np

from autoscore.baselines.declaration import Baseline
from autoscore.optimum.linear import LinearField, LinearOptimum


def _score(linear: LinearOptimum, sigma: float, x: np.ndarray) -> np.ndarray:
    return (linear.mean - x) @ linear.axes / (linear.variances + sigma**2) @ linear.axes.T


BASELINE = Baseline(
    name="gaussian",
    about="a Gaussian with the mean and covariance of the points",
    look={"color": "#E69F00", "linestyle": "-.", "marker": "^", "label": "fitted Gaussian"},
    fit=lambda points, validation, rng: LinearOptimum.fit(points),
    score=_score,
    field=LinearField,
)
