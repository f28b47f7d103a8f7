"""A Gaussian with the mean and covariance of the points: the best linear reconstruction."""

import numpy as np

from autoscore.baselines.declaration import Baseline
from autoscore.optimum.linear import LinearField, LinearOptimum

SINGULAR = 1e-10  # share of the largest variance below which fewer points than dimensions lie flat


def _score(linear: LinearOptimum, x: np.ndarray) -> np.ndarray:
    if linear.variances[-1] <= SINGULAR * linear.variances[0]:
        return np.full_like(x, np.nan)  # a flat Gaussian has no density
    return (linear.mean - x) @ linear.axes / linear.variances @ linear.axes.T


BASELINE = Baseline(
    name="gaussian",
    about="a Gaussian with the mean and covariance of the points",
    look={"color": "#E69F00", "linestyle": "-.", "marker": "^", "label": "fitted Gaussian"},
    fit=lambda given: LinearOptimum.fit(given.points),
    field=LinearField,
    score=_score,
    null=True,
)
