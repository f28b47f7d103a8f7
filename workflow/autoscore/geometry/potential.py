"""Whether r(x) - x is a gradient (C4), and of which function if the weights are tied (C9)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.fft import dctn, idctn

from autoscore.fields import Field
from autoscore.geometry.windows import checked_window
from autoscore.numerics.errors import share
from autoscore.wording import require

# Antiderivatives of the activations, written so that nothing overflows.
INTEGRALS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": lambda a: np.logaddexp(0.0, a),
    "tanh": lambda a: np.logaddexp(a, -a) - np.log(2.0),
}


def asymmetry(slopes: np.ndarray, weights: np.ndarray, *, traceless: bool = False) -> float:
    """Return E|K|^2 / E|A|^2 of matrices A ``(n, d, d)`` with skew parts K, weights ``(n,)``.

    It is 0 for Jacobians of a gradient field. Unlike the mean of `Field.symmetry` over points it
    is not ruled by those where A is small. With `traceless`, A is replaced by A - I tr(A) / d:
    adding a multiple of the identity, which is symmetric for free, then changes nothing, and
    independent entries of mean 0 give d / (2 (d + 1)), 1/3 in the plane. Raise ValueError
    without points.
    """
    require("the asymmetry", len(slopes))
    skew = 0.5 * (slopes - np.swapaxes(slopes, 1, 2))
    whole = (slopes**2).sum((1, 2))
    if traceless:
        whole = whole - np.trace(slopes, axis1=1, axis2=2) ** 2 / slopes.shape[1]
    return share(weights @ (skew**2).sum((1, 2)), weights @ whole)


@dataclass(frozen=True)
class HelmholtzSplit:
    """The orthogonal parts of r(x) - x over a window, and their energies, integrals of squares.

    The gradient part is that of the potential, at the centres of the cells ``(cells, cells)`` and
    of mean 0. For an exact field it is sigma^2 log p up to a constant.
    """

    potential: np.ndarray
    gradient: float
    rotational: float

    @property
    def fraction(self) -> float:
        """The rotational part's share of the energy, NaN for a field that moves nothing."""
        return share(self.rotational, self.gradient + self.rotational)


def helmholtz_split(field: Field, window: np.ndarray, cells: int) -> HelmholtzSplit:
    """Split r(x) - x, d = 2, over a window into a gradient and the rest, orthogonal to gradients.

    The gradient part is the nearest gradient in mean square over the window. The rest has no
    divergence and does not cross the window's edge, so it is the curl of a function that
    vanishes there. A rotation about the centre does cross the edge of a square: 16 % of its
    energy counts as gradient.

    Each component is taken at the midpoints of the inner faces that it crosses, and differences
    of a potential between neighbouring centres are its gradient (Harlow and Welch's staggered
    grid), so that the discrete parts are orthogonal as well. The normal equations are a Poisson
    problem with Neumann conditions, solved by cosine transforms.
    """
    window = checked_window(window, 2)
    size = (window[:, 1] - window[:, 0]) / cells
    flows = [_across_faces(field, window, cells, axis) for axis in (0, 1)]
    divergence = sum(
        np.diff(flow, axis=axis, prepend=0.0, append=0.0) / size[axis]
        for axis, flow in enumerate(flows)
    )
    wave = 2.0 - 2.0 * np.cos(np.pi * np.arange(cells) / cells)
    stiffness = wave[:, None] / size[0] ** 2 + wave / size[1] ** 2
    stiffness[0, 0] = np.inf  # a constant has no gradient
    potential = -idctn(dctn(divergence, norm="ortho") / stiffness, norm="ortho")
    gradients = [np.diff(potential, axis=axis) / size[axis] for axis in (0, 1)]
    area = size.prod()
    energies = [area * float((part**2).sum()) for part in gradients]
    rests = [
        area * float(((flow - part) ** 2).sum())
        for flow, part in zip(flows, gradients, strict=True)
    ]
    return HelmholtzSplit(potential, sum(energies), sum(rests))


def _across_faces(field: Field, window: np.ndarray, cells: int, axis: int) -> np.ndarray:
    """Return a component of r(x) - x at the midpoints of the inner faces across its axis."""
    centres = (np.arange(cells) + 0.5) / cells
    faces = np.arange(1, cells) / cells
    unit = np.stack(np.meshgrid(*[faces if a == axis else centres for a in (0, 1)], indexing="ij"))
    low, high = window.T[..., None, None]
    points = (low + (high - low) * unit).reshape(2, -1).T
    return field.move(points)[:, axis].reshape(unit.shape[1:])


def tied_potential(
    weights: np.ndarray,
    bias: np.ndarray,
    visible_bias: np.ndarray,
    z: np.ndarray,
    activation: str,
    *,
    sigma: float = 1.0,
    residual: str = "none",
) -> np.ndarray:
    """Return F with grad F = r(z) - z, ``(n,)``, of an auto-encoder with tied weights.

    With out(z) = W^T h(W z + b) + c, a gradient itself, and H' = h:

    - residual ``"none"``, r = out: F = sum_k H(w_k . z + b_k) - |z - c|^2 / 2 (Kamyshanska and
      Memisevic 2013, "On autoencoder scoring");
    - ``"sigma"``, r = z + sigma out, and ``"score"``, r = z + sigma^2 out:
      F = sigma^(1 or 2) (sum_k H(w_k . z + b_k) + c . z).

    W ``(units, d)``, b ``(units,)`` and c ``(d,)`` are weights and biases, h is the `activation`
    ``"sigmoid"`` or ``"tanh"``. z ``(n, d)`` is what the network sees, and sigma the noise level in
    its units. Raises ValueError for another activation or residual.
    """
    if activation not in INTEGRALS:
        raise ValueError(f"the activation must be one of {sorted(INTEGRALS)}, not {activation!r}")
    hidden = INTEGRALS[activation](z @ weights.T + bias).sum(-1)
    if residual == "none":
        return hidden - 0.5 * ((z - visible_bias) ** 2).sum(-1)
    power = {"sigma": 1, "score": 2}.get(residual)
    if power is None:
        raise ValueError(f"residual must be none, sigma or score, not {residual!r}")
    return sigma**power * (hidden + z @ visible_bias)


def potential_gap(
    field: Field,
    potential: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    nodes: int = 20,
) -> float:
    """Return the largest gap between potential(y) - potential(x) and the field's path integrals.

    It is relative to the largest difference of the potential. The integral of r - x along a
    segment, with this many Gauss-Legendre nodes, is sigma^2 times the field's ``log_ratio``.
    Raise ValueError without segments; `x` and `y` have shape ``(n, d)``.
    """
    require("a gap between differences", len(x))
    closed = potential(y) - potential(x)
    along = field.sigma**2 * field.log_ratio(x, y, nodes=nodes)
    return share(np.abs(closed - along).max(), np.abs(closed).max())
