"""Boxes around points, and points that fill a box."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial import cKDTree

from autoscore.wording import require

MARGIN = 0.1  # of a window beyond the points, as a share of their range
NARROW = 3.0  # sigmas to each side of points that share a coordinate
CLUSTERED = 1000  # points among which clusters are looked for, at most
APART = 2.0  # diameters between two clusters that get a window each
FEW = 0.05  # of the points: fewer are no cluster


def checked_window(window: np.ndarray, dim: int) -> np.ndarray:
    """Return a window as floats ``(d, 2)``; raise ValueError for another shape or without width."""
    window = np.asarray(window, dtype=float)
    if window.shape != (dim, 2) or not (window[:, 0] < window[:, 1]).all():
        raise ValueError(
            f"the window must be [low, high] with low < high for each of {dim} coordinates, "
            f"not {window.tolist()}"
        )
    return window


def window_of(x: np.ndarray, sigma: float) -> np.ndarray:
    """Return a box a little wider than the points, ``(d, 2)``; raise ValueError without points.

    Coordinates in which the points do not differ get their width from the noise level.
    """
    require("a window", len(x))
    extent = np.ptp(x, axis=0)
    margin = np.where(extent > 0, MARGIN * extent, NARROW * sigma)
    # far from the origin so small a margin may be lost in rounding
    margin = np.maximum(margin, 4.0 * np.spacing(np.abs(x).max(0)))
    return np.stack([x.min(0) - margin, x.max(0) + margin], axis=1)


def windows_of(x: np.ndarray, sigma: float) -> list[np.ndarray]:
    """Return `window_of` all points, or of each of two clusters that are far apart."""
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
    """Return an even grid with `points` >= 2 per side, ends included, ``(points^d, d)``."""
    sides = [np.linspace(low, high, points) for low, high in window]
    return np.stack([side.ravel() for side in np.meshgrid(*sides, indexing="ij")], axis=-1)


def uniform_points(window: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return n uniform draws from a window, of shape ``(n, d)``."""
    low, high = np.asarray(window, dtype=float).T
    return rng.uniform(low, high, (n, len(low)))
