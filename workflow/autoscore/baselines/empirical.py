"""The optimum for the training points alone, which memorises them."""

from autoscore.baselines.declaration import Baseline
from autoscore.densities.kernels import KernelDensity
from autoscore.optimum.dae import DenoisingOptimum

# not selectable: far from a known density's score wherever points are sparse
BASELINE = Baseline(
    name="training points",
    about="the best reconstruction for the training points themselves",
    look={"color": "#CC79A7", "linestyle": ":", "marker": "v", "label": "training points"},
    fit=lambda given: KernelDensity(given.points),
    field=DenoisingOptimum,
)
