"""A separate auto-encoder with its starting weights, untrained: a null model.

r(x) = m + l V^T tanh(W^T (x - m) / l + b), with the mean m of the points and their standard
deviation l, averaged over coordinates. Weights are drawn as those of separate auto-encoders are
before training: W ~ N(0, GAIN^2 / d), V ~ N(0, 1 / HIDDEN^2), and b such that each unit switches
at a random training point. r is the same at every noise level, close to the mean everywhere, and
its score is (r(x) - x) / sigma^2.
"""

from collections.abc import Callable

import numpy as np

from autoscore.baselines.declaration import Baseline

HIDDEN, GAIN = 32, 4.0  # the defaults of the configuration's architecture


def _fit(
    points: np.ndarray, validation: np.ndarray, rng: np.random.Generator
) -> Callable[[np.ndarray], np.ndarray]:
    """Return r, from and to shape ``(n, d)``."""
    dim = points.shape[1]
    mean, spread = points.mean(0), float(points.std(0).mean()) or 1.0
    encoder = GAIN * dim**-0.5 * rng.standard_normal((dim, HIDDEN))
    decoder = rng.standard_normal((HIDDEN, dim)) / HIDDEN
    switching = (points[rng.integers(len(points), size=HIDDEN)] - mean) / spread
    bias = -(encoder * switching.T).sum(0)
    return lambda x: mean + spread * (np.tanh((x - mean) / spread @ encoder + bias) @ decoder)


BASELINE = Baseline(
    name="untrained",
    about="a separate auto-encoder with its starting weights",
    look={"color": "#999933", "linestyle": "--", "marker": "P", "label": "untrained"},
    fit=_fit,
    score=lambda network, sigma, x: (network(x) - x) / sigma**2,
    clean=False,  # and without a field, which every table of held-out losses would have
)
