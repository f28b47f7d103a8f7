"""Differences of energy from a score alone, and how wrong they are (statement C6)."""

from collections.abc import Iterator

import numpy as np

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.samplers.targets import EVEN_POINTS, make_target
from autoscore.wording import require

LENGTHS = np.geomspace(0.05, 2.0, 8)  # of a step, in units of the spread of the data
FINE = 20  # Gauss nodes whose error is rounding, beside that of any other rule
NODES = ("one-point", 1, 2, 3, 5, 10, FINE, "even")
COLUMNS = ["length", "spreads", "nodes", "median_error", "acceptance_error", "path_gap"]
COLUMNS += ["rule", "quadrature_error"]


def difference_rows(
    field: Field,
    density: Density,
    x: np.ndarray,
    rng: np.random.Generator,
    spread: float | None = None,
) -> Iterator[dict]:
    """Yield how wrong the differences of log p are that come from a field alone, in `COLUMNS`.

    Steps of all `LENGTHS` lead from each point x, ``(n, d)``, in a random direction. Their unit is
    the `spread`, by default that of x; ValueError for fewer than two points. ``length`` is a step's
    own, ``spreads`` in this unit. A density is a field with the exact score.
    ``nodes`` are points on the segment, 0 for the one-point difference, and ``rule`` says which:
    gauss, even or one-point. ``median_error`` is in nats, ``quadrature_error`` the part of it that
    is the rule's alone, against `FINE` nodes on the same field. ``acceptance_error`` is the mean
    error of the acceptance probability min(1, p(y)/p(x)), and ``path_gap``, with `FINE` nodes, the
    median difference between the straight path and one along the coordinates, 0 for a gradient.
    """
    require("a length in units of the spread", len(x), 2)
    direction = rng.standard_normal(x.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    spread = float(x.std(0).mean()) if spread is None else spread
    lengths = spread * LENGTHS
    # all lengths at once: a field's call costs more than its arithmetic
    start = np.tile(x, (len(lengths), 1))
    end = (x + lengths[:, None, None] * direction).reshape(start.shape)
    with np.errstate(divide="ignore"):
        exact = density.log_prob(end) - density.log_prob(start)
    by_rule = {nodes: _difference(field, start, end, nodes) for nodes in NODES}
    around = _along_coordinates(field, start, end, FINE)
    each = [slice(k * len(x), (k + 1) * len(x)) for k in range(len(lengths))]
    for length, spreads, rows in zip(lengths, LENGTHS, each, strict=True):
        fine, truth = by_rule[FINE][rows], exact[rows]
        for nodes, all_found in by_rule.items():
            found = all_found[rows]
            wrong = np.abs(found - truth)[np.isfinite(truth)]
            chance = np.exp(np.minimum(found, 0.0)) - np.exp(np.minimum(truth, 0.0))
            gap = np.abs(found - around[rows]) if nodes == FINE else np.nan
            yield {
                "length": length,
                "spreads": spreads,
                "nodes": {"one-point": 0, "even": EVEN_POINTS}.get(nodes, nodes),
                "rule": nodes if isinstance(nodes, str) else "gauss",
                "quadrature_error": float(np.median(np.abs(found - fine))),
                "median_error": float(np.median(wrong)),
                "acceptance_error": float(np.abs(chance).mean()),
                "path_gap": float(np.median(gap)),
            }


def _difference(field: Field, x: np.ndarray, y: np.ndarray, nodes: str | int) -> np.ndarray:
    target = make_target(field, nodes)
    return target.compare(x, target.evaluate(x, score=False), y, score=False)[0]


def _along_coordinates(field: Field, x: np.ndarray, y: np.ndarray, nodes: str | int) -> np.ndarray:
    corner, total = x.copy(), np.zeros(len(x))
    for axis in range(x.shape[1]):
        before, corner = corner, corner.copy()
        corner[:, axis] = y[:, axis]
        total += _difference(field, before, corner, nodes)
    return total
