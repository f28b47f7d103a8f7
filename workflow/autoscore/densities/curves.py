"""Data on a curve, with or without a Gaussian thickness."""

from functools import cached_property

import numpy as np
import scipy  # its subpackages load on first use, which spares plans half a second

from autoscore.densities.base import Density
from autoscore.densities.closed_forms import ClosedForm
from autoscore.densities.declaration import CURVE, KNOWN, REAL, Kind, array, number
from autoscore.densities.kernels import KernelDensity
from autoscore.numerics.grids import gauss_legendre
from autoscore.numerics.panels import Panels

NODES_PER_SIGMA = 4.0  # quadrature nodes per sigma of the curve's length
MOST_NODES = 1_000_000
LEAST_PANELS = 16  # which resolve the curve itself under any noise


class Curve(Density):
    """x = c(t) + thickness * e with t uniform on an interval and e standard normal.

    The coordinates c_1(t), ..., c_d(t) are expressions of t. A curve without thickness has no
    density. Under noise it has one, an integral along t by Gauss-Legendre quadrature with a step
    well below the noise, so that the best denoising auto-encoder is exact. Raise ValueError for an
    expression that is not understood, an empty interval or a negative thickness.
    """

    def __init__(
        self, expressions: list[str], interval: tuple[float, float], thickness: float = 0.0
    ) -> None:
        low, high = interval
        if not low < high:
            raise ValueError(f"the interval of t must have low < high, not {low}, {high}")
        if thickness < 0:
            raise ValueError(f"the thickness must be >= 0, not {thickness}")
        import sympy  # half a second, which most plans spare

        from autoscore.numerics.expressions import Compiled, parse

        coordinates = [parse(text, ["t"]) for text in expressions]
        slopes = [sympy.diff(part, sympy.Symbol("t", real=True)) for part in coordinates]
        self._point, self._velocity = Compiled(coordinates, ["t"]), Compiled(slopes, ["t"])
        self.interval = (float(low), float(high))
        self.thickness = float(thickness)
        self.dim = len(expressions)
        t = np.linspace(low, high, 20_001)
        path = self.point(t)
        self._fastest = np.linalg.norm(self.velocity(t), axis=1).max()
        reach = 10.0 * self.thickness
        self.bounds = np.stack([path.min(0) - reach, path.max(0) + reach], axis=1)

    @property
    def is_degenerate(self) -> bool:
        return self.thickness == 0

    def point(self, t: np.ndarray) -> np.ndarray:
        """Return c(t) of shape ``(n, d)`` for t of shape ``(n,)``."""
        return self._point(t[:, None])

    def velocity(self, t: np.ndarray) -> np.ndarray:
        """Return dc/dt of shape ``(n, d)``; its direction is the tangent."""
        return self._velocity(t[:, None])

    def smoothed(self, sigma: float) -> KernelDensity:
        width = np.hypot(self.thickness, sigma)
        low, high = self.interval
        nodes = NODES_PER_SIGMA * (high - low) * self._fastest / width
        if nodes > MOST_NODES:
            raise ValueError(
                f"sigma must be larger than {sigma:g} for a curve this long: {nodes:.1g} nodes "
                f"would resolve the noise along it, and {MOST_NODES} are the most"
            )
        t, weights = gauss_legendre(low, high, panels=max(LEAST_PANELS, int(np.ceil(nodes / 16))))
        return KernelDensity(self.point(t), width, weights)

    @cached_property
    def _thick(self) -> KernelDensity:
        if self.is_degenerate:
            raise ValueError("a curve without thickness has no density: take .smoothed(sigma)")
        return self.smoothed(0.0)

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        return self._thick.log_prob(x)

    def score(self, x: np.ndarray) -> np.ndarray:
        return self._thick.score(x)

    def closed_form(self) -> ClosedForm | None:
        return None if self.is_degenerate else self._thick.closed_form()

    def hessian(self, x: np.ndarray) -> np.ndarray:
        return self._thick.hessian(x)

    def score_laplacian(self, x: np.ndarray) -> np.ndarray:
        return self._thick.score_laplacian(x)

    def fitted_panels(self) -> Panels:
        return self._thick.fitted_panels()

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        clean = self.point(rng.uniform(*self.interval, size=n))
        return clean + self.thickness * rng.standard_normal(clean.shape)

    def nearest(self, x: np.ndarray, points: int = 20_001) -> np.ndarray:
        """Return the nearest to each x of points on the curve at even t, shape ``(n, d)``."""
        path = self.point(np.linspace(*self.interval, points))
        return path[scipy.spatial.cKDTree(path).query(x)[1]]


KIND = Kind(
    name="curve",
    about="coordinates as expressions of t, and the interval of t",
    properties={
        "coordinates": array(
            "Coordinates of a curve, each an expression of t; t is uniform on the interval.",
            {"description": "an expression of t", "type": "string"},
            minItems=2,
        ),
        "interval": array("Range of t, [low, high].", REAL, minItems=2, maxItems=2),
        "thickness": number(
            "Standard deviation of the noise around a curve, >= 0; 0 if not given.",
            0,
            1e100,
        ),
    },
    make=lambda entry: Curve(entry["coordinates"], entry["interval"], entry.get("thickness", 0.0)),
    dimension=lambda entry: len(entry["coordinates"]),
    required=("coordinates", "interval"),
    fault_phrases={"interval": "interval", "thickness": "thickness"},
    traits=frozenset({KNOWN, CURVE}),
    is_degenerate=lambda entry: not entry.get("thickness"),
)
