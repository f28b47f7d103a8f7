"""How far a field is from being a gradient (statement C4)."""

from dataclasses import dataclass

import numpy as np
from scipy.fft import dctn, idctn

from autoscore.fields import Field
from autoscore.geometry.windows import checked_window, grid_points
from autoscore.numerics.errors import share
from autoscore.wording import require


def curl_map(field: Field, window: np.ndarray, points: int) -> np.ndarray:
    """Return the curl of the score estimate on an even grid, shape ``(points, points)``.

    Parameters
    ----------
    field
        A field with d = 2.
    window
        Shape ``(2, 2)``; the grid includes its ends, and its first axis is the first coordinate.
    points
        Points along each side.
    """
    return field.curl(grid_points(window, points)).reshape(points, points)


def asymmetry(slopes: np.ndarray, weights: np.ndarray, *, traceless: bool = False) -> float:
    """Return E|K|^2 / E|A|^2 of matrices A with skew parts K: 0 for Jacobians of a gradient field.

    Unlike the mean of `symmetric_share` over points it is not ruled by those where A is small.

    Parameters
    ----------
    slopes, weights
        A at points, ``(n, d, d)``, and the weights of these, ``(n,)``.
    traceless
        Whether A is taken without its trace, A - I tr(A) / d: then adding a multiple of the
        identity to it, which is symmetric for free, changes nothing, and independent entries of
        mean 0 give d / (2 (d + 1)), a third in the plane.

    Raises
    ------
    ValueError
        If there are no points.
    """
    require("the asymmetry", len(slopes))
    skew = 0.5 * (slopes - np.swapaxes(slopes, 1, 2))
    whole = (slopes**2).sum((1, 2))
    if traceless:
        whole = whole - np.trace(slopes, axis1=1, axis2=2) ** 2 / slopes.shape[1]
    return share(weights @ (skew**2).sum((1, 2)), weights @ whole)


@dataclass(frozen=True)
class HelmholtzSplit:
    """The orthogonal parts of r(x) - x over a window.

    Attributes
    ----------
    potential
        At the centres of the cells, shape ``(cells, cells)``, of mean 0: its gradient is the
        gradient part, so it is sigma^2 log p but for a constant if the field is exact.
    gradient, rotational
        Energies of the parts: their squared lengths, integrated over the window.
    """

    potential: np.ndarray
    gradient: float
    rotational: float

    @property
    def fraction(self) -> float:
        """The rotational part's share of the energy, NaN of a field that moves nothing."""
        return share(self.rotational, self.gradient + self.rotational)


def helmholtz_split(field: Field, window: np.ndarray, cells: int) -> HelmholtzSplit:
    """Split r(x) - x over a window into a gradient and what is orthogonal to all gradients.

    The gradient part is the nearest gradient in the mean square over the window. What is left
    has no divergence and does not cross the window's edge, so it is the curl of a function that
    vanishes there. A rotation about the centre does cross the edge of a square, and 16% of its
    energy counts as gradient.

    The first component is taken at the midpoints of the inner faces that it crosses, the second
    likewise, and differences of a potential between neighbouring centres are its gradient
    (Harlow and Welch's staggered grid), so that the discrete parts are orthogonal, too. The
    normal equations are a Poisson problem with Neumann conditions, solved by cosine transforms.

    Parameters
    ----------
    field
        A field with d = 2.
    window
        Shape ``(2, 2)``.
    cells
        Cells along each side.

    Raises
    ------
    ValueError
        If the window has no width.
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
