"""The kernel density estimate that is likeliest on validation points."""

import numpy as np

from autoscore.baselines.declaration import Baseline
from autoscore.densities.kernels import KernelDensity, fit_bandwidth
from autoscore.optimum.dae import DenoisingOptimum

WIDEST = 10_000  # points: larger samples are measured without noise alone
TUNED = 500  # validation points at which bandwidths are compared; a fifth for larger samples


def _fit(points: np.ndarray, validation: np.ndarray, rng: np.random.Generator) -> KernelDensity:
    return fit_bandwidth(points, validation[: TUNED if len(points) <= WIDEST else TUNED // 5])


def _score(estimate: KernelDensity, sigma: float, x: np.ndarray) -> np.ndarray:
    return (estimate.smoothed(sigma) if sigma else estimate).score(x)  # noise is added exactly


BASELINE = Baseline(
    name="kde",
    about="a kernel density estimate",
    look={"color": "0.45", "linestyle": ":", "marker": "x", "label": "kernel density"},
    fit=_fit,
    score=_score,
    field=DenoisingOptimum,
    needs_validation=True,
    widest=WIDEST,
    most_points=500,
)
