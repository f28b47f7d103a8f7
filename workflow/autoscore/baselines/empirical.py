"""The optimum for the training points alone, which memorises them."""

from autoscore.baselines.declaration import Baseline
from autoscore.densities.kernels import KernelDensity
from autoscore.optimum.dae import DenoisingOptimum

BASELINE = Baseline(
    name="training points",
    about="the best reconstruction for the training points themselves",
    look={"color": "#CC79A7", "linestyle": ":", "marker": "v", "label": "training points"},
    fit=lambda points, validation, rng: KernelDensity(points),
    score=lambda density, sigma, x: DenoisingOptimum(density, sigma).score(x),
    field=DenoisingOptimum,
    selectable=False,  # far from a known density's score wherever points are sparse
    clean=False,
)
