"""L-BFGS for many independent problems at once.

The two-loop recursion of Nocedal and Wright, "Numerical Optimization", algorithm 7.4, with a
separate backtracking line search for every row. One evaluation serves all rows: where a step was
too long, the row tries a shorter one at the next evaluation, and the others go on undisturbed.
"""

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

Closure = Callable[[Tensor], tuple[Tensor, Tensor]]
Pairs = deque[tuple[Tensor, Tensor, Tensor]]

SUFFICIENT_DECREASE = 1e-4
SHORTEST = 1e-8  # a shorter step means that the direction is useless


def minimise(
    closure: Closure,
    theta: Tensor,
    evaluations: int,
    *,
    history: int = 30,
    report: Callable[[int, Tensor], None] = lambda evaluation, value: None,
) -> Tensor:
    """Minimise m functions, each of one row of theta ``(m, p)``; no row ends above its start.

    `closure` maps theta to values ``(m,)`` and gradients ``(m, p)``, and is called once at the
    start and `evaluations` times after it; `report` then gets the number and current values. The
    steps of the last `history` evaluations approximate the curvature.
    """
    value, gradient = closure(theta)
    pairs: Pairs = deque(maxlen=history)
    direction = -gradient / (10.0 * gradient.norm(dim=1, keepdim=True).clamp_min(1e-300))
    length = torch.ones_like(value)
    for evaluation in range(evaluations):
        moved = theta + length[:, None] * direction
        new_value, new_gradient = closure(moved)
        slope = (gradient * direction).sum(1)
        accepted = new_value <= value + SUFFICIENT_DECREASE * length * slope
        # where the parabola through both values has its minimum, within [0.1, 0.5] lengths
        parabola = -slope * length**2 / (2.0 * (new_value - value - slope * length))
        shorter = torch.nan_to_num(parabola, nan=0.0).clamp(0.1 * length, 0.5 * length)
        step = torch.where(accepted[:, None], moved - theta, 0.0)
        bend = torch.where(accepted[:, None], new_gradient - gradient, 0.0)
        pairs.append((step, bend, _inverse_curvature(step, bend)))
        theta = theta + step
        value = torch.where(accepted, new_value, value)
        gradient = gradient + bend
        fresh = accepted | (shorter < SHORTEST)
        direction = torch.where(fresh[:, None], _descent_direction(gradient, pairs), direction)
        length = torch.where(fresh, 1.0, shorter)
        report(evaluation, value)
    return theta


def _inverse_curvature(step: Tensor, bend: Tensor) -> Tensor:
    """Return 1 / (step . bend) of each row, 0 where there is no positive curvature to learn."""
    curvature = (step * bend).sum(1)
    useful = curvature > 1e-12 * (bend**2).sum(1).clamp_min(1e-300)
    return torch.where(useful, 1.0 / torch.where(useful, curvature, 1.0), 0.0)


def _descent_direction(gradient: Tensor, pairs: Pairs) -> Tensor:
    """Apply the approximate inverse Hessians, from the stored pairs, to minus the gradients."""
    direction = -gradient
    projections = []
    for change, bend, inverse in reversed(pairs):
        projection = inverse * (change * direction).sum(1)
        projections.append(projection)
        direction = direction - projection[:, None] * bend
    direction = direction * _initial_scale(pairs)[:, None]
    for (change, bend, inverse), projection in zip(pairs, reversed(projections), strict=True):
        correction = projection - inverse * (bend * direction).sum(1)
        direction = direction + correction[:, None] * change
    uphill = (gradient * direction).sum(1) >= 0
    return torch.where(uphill[:, None], -gradient, direction)


def _initial_scale(pairs: Pairs) -> Tensor:
    """Return y.s / y.y of each row's latest useful pair, 1 where there is none."""
    scale = torch.ones_like(pairs[0][2])
    for _, bend, inverse in pairs:
        useful = inverse > 0
        latest = 1.0 / (inverse * (bend**2).sum(1)).clamp_min(1e-300)
        scale = torch.where(useful, latest, scale)
    return scale
