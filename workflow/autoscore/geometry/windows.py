"""Boxes around points, and points that fill a box."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial import cKDTree

from autoscore.wording import require

MARGIN = 0.1  # of a window beyond the points, as a part of their range
NARROW = 3.0  # sigmas to each side of points that do not differ in a coordinate
CLUSTERED = 1000  # points at most that are looked at for clusters
APART = 2.0  # diameters by which two clusters are apart that get a window each
FEW = 0.05  # of the points, below which they are no cluster


def checked_window(window: np.ndarray, dim: int) -> np.ndarray:
    """Return a window as an array of shape ``(d, 2)``.

    Raises
    ------
    ValueError
        If it has another shape or no width.
    """
    window = np.asarray(window, dtype=float)
    if window.shape != (dim, 2) or not (window[:, 0] < window[:, 1]).all():
        raise ValueError(
            f"the window must be [low, high] with low < high for each of {dim} coordinates, "
            f"not {window.tolist()}"
        )
    return window


def window_of(x: np.ndarray, sigma: float) -> np.ndarray:
    """Return a box around points, a little wider than they are, of shape ``(d, 2)``.

    Parameters
    ----------
    x
        Points of shape ``(n, d)``, one or more.
    sigma
        Noise level, which gives the box its width where the points have none.

    Raises
    ------
    ValueError
        If there are no points.
    """
    require("a window", len(x))
    extent = np.ptp(x, axis=0)
    margin = np.where(extent > 0, MARGIN * extent, NARROW * sigma)
    # far from the origin so little may be lost in rounding
    margin = np.maximum(margin, 4.0 * np.spacing(np.abs(x).max(0)))
    return np.stack([x.min(0) - margin, x.max(0) + margin], axis=1)


def windows_of(x: np.ndarray, sigma: float) -> list[np.ndarray]:
    """Return one window around points, or two around two clusters that are far apart.

    Parameters, and what is raised, are those of `window_of`.
    """
    require("a window", len(x))
    some = x[:: -(-len(x) // CLUSTERED)]
    if len(some) > 2:
        tree = linkage(some, "single")
        label = fcluster(tree, 2, "maxclust")
        parts = [some[label == k] for k in np.unique(label)]
        widest = max(np.linalg.norm(np.ptp(part, axis=0)) for part in parts)
        fewest = min(map(len, parts))
        if len(parts) == 2 and fewest > FEW * len(some) and tree[-1, 2] > APART * widest:
            first, second = (cKDTree(part).query(x)[0] for part in parts)
            side = first <= second
            return [window_of(x[side], sigma), window_of(x[~side], sigma)]
    return [window_of(x, sigma)]


def grid_points(window: np.ndarray, points: int) -> np.ndarray:
    """Return an even grid, its ends included, of shape ``(points^d, d)``.

    Parameters
    ----------
    window
        Shape ``(d, 2)``: low and high of each coordinate.
    points
        Points along each side, >= 2.
    """
    sides = [np.linspace(low, high, points) for low, high in window]
    return np.stack([side.ravel() for side in np.meshgrid(*sides, indexing="ij")], axis=-1)


def uniform_points(window: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return n uniform draws from a window of shape ``(d, 2)``, of shape ``(n, d)``."""
    low, high = np.asarray(window, dtype=float).T
    return rng.uniform(low, high, (n, len(low)))
