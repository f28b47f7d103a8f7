"""The kernel density estimate that is likeliest on validation points."""

from autoscore.baselines.declaration import Baseline, Given
from autoscore.densities.kernels import KernelDensity, fit_bandwidth
from autoscore.optimum.dae import DenoisingOptimum

TUNED = 10_000_000  # pairs of points over which bandwidths are compared
MOST = 500  # validation points among them


def _fit(given: Given) -> KernelDensity:
    tuned = min(MOST, TUNED // len(given.points))
    return fit_bandwidth(given.points, given.validation[: max(tuned, 1)])


BASELINE = Baseline(
    name="kde",
    about="a kernel density estimate",
    look={"color": "0.45", "linestyle": ":", "marker": "x", "label": "kernel density"},
    fit=_fit,
    field=DenoisingOptimum,  # noise is added exactly: the bandwidth becomes sqrt(h^2 + sigma^2)
    score=KernelDensity.score,
    null=True,
    needs_validation=True,
    of_density=False,
    pairs=1_000_000,
)
