"""Differences of energy from a score alone, and how wrong they are (statement C6)."""

from collections.abc import Iterator

import numpy as np

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.samplers.targets import make_target
from autoscore.wording import require

LENGTHS = np.geomspace(0.05, 2.0, 8)  # of a step, in units of the spread of the data
NODES = ("one-point", 1, 2, 3, 5, 10, 20)
COLUMNS = ["length", "nodes", "median_error", "acceptance_error", "path_gap"]


def difference_rows(
    field: Field, density: Density, x: np.ndarray, rng: np.random.Generator
) -> Iterator[dict]:
    """Yield how wrong differences of log p are that come from a field alone.

    Parameters
    ----------
    field
        The field; a density that is its own field has exact scores.
    density
        Where log p is known.
    x
        Points from which steps of given lengths are made in random directions, shape ``(n, d)``,
        two or more.
    rng
        Draws the directions.

    Yields
    ------
    dict
        ``length`` of the steps; ``nodes`` on the path, 0 for the one-point difference;
        ``median_error`` of the difference, in nats; ``acceptance_error``, the mean error of the
        acceptance probability min(1, p(y)/p(x)); and ``path_gap``, the median difference between
        the straight path and one along the coordinates, each integrated by as many nodes: 0 for
        a gradient.

    Raises
    ------
    ValueError
        If there are fewer than two points, of whose spread the lengths are parts.
    """
    require("a length in units of the spread", len(x), 2)
    direction = rng.standard_normal(x.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    spread = float(x.std(0).mean())
    for length in spread * LENGTHS:
        y = x + length * direction
        with np.errstate(divide="ignore"):
            exact = density.log_prob(y) - density.log_prob(x)
        inside = np.isfinite(exact)
        for nodes in NODES:
            found = _difference(field, x, y, nodes)
            wrong = np.abs(found - exact)[inside]
            chance = np.exp(np.minimum(found, 0.0)) - np.exp(np.minimum(exact, 0.0))
            gap = np.abs(found - _around(field, x, y, nodes))
            yield {
                "length": length,
                "nodes": 0 if nodes == "one-point" else nodes,
                "median_error": float(np.median(wrong)),
                "acceptance_error": float(np.abs(chance).mean()),
                "path_gap": float(np.median(gap)),
            }


def _difference(field: Field, x: np.ndarray, y: np.ndarray, nodes: str | int) -> np.ndarray:
    target = make_target(field, nodes)
    return target.compare(x, target.know(x, score=False), y, score=False)[0]


def _around(field: Field, x: np.ndarray, y: np.ndarray, nodes: str | int) -> np.ndarray:
    """Return the difference along the coordinates, one after another."""
    corner, total = x.copy(), np.zeros(len(x))
    for axis in range(x.shape[1]):
        before, corner = corner, corner.copy()
        corner[:, axis] = y[:, axis]
        total += _difference(field, before, corner, nodes)
    return total
