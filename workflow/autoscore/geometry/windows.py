"""Points that fill a box."""

import numpy as np


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
