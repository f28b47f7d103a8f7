"""L-BFGS for many independent problems at once.

The two-loop recursion of Nocedal and Wright, "Numerical Optimization", algorithm 7.4, with a
backtracking line search of its own for every row: no row waits for, or disturbs, another.
"""

from collections import deque
from collections.abc import Callable

import torch

Closure = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def minimise(
    closure: Closure,
    theta: torch.Tensor,
    steps: int,
    *,
    history: int = 20,
    report: Callable[[int, torch.Tensor], None] = lambda step, value: None,
) -> torch.Tensor:
    """Minimise m functions, each of one row of theta.

    Parameters
    ----------
    closure
        Maps theta ``(m, p)`` to values ``(m,)`` and gradients ``(m, p)``.
    theta
        Starting points, shape ``(m, p)``.
    steps
        Number of iterations.
    history
        Number of past steps that approximate the curvature.
    report
        Called after every iteration with its number and the values.

    Returns
    -------
    torch.Tensor
        The final points; no row's value is above its start.
    """
    value, gradient = closure(theta)
    pairs: deque[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = deque(maxlen=history)
    for step in range(steps):
        direction = _descent_direction(gradient, pairs)
        moved, new_value, new_gradient = _backtrack(closure, theta, value, gradient, direction)
        change, bend = moved - theta, new_gradient - gradient
        curvature = (change * bend).sum(1)
        # rows with no positive curvature add nothing to their memory
        useful = curvature > 1e-12 * (bend**2).sum(1).clamp_min(1e-300)
        inverse = torch.where(useful, 1.0 / torch.where(useful, curvature, 1.0), 0.0)
        pairs.append((change, bend, inverse))
        theta, value, gradient = moved, new_value, new_gradient
        report(step, value)
    return theta


def _descent_direction(gradient: torch.Tensor, pairs: deque) -> torch.Tensor:
    """Apply the approximate inverse Hessians, from the stored pairs, to minus the gradients."""
    direction = -gradient
    if not pairs:  # a first step of modest length
        return direction / (10.0 * direction.norm(dim=1, keepdim=True).clamp_min(1e-300))
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


def _initial_scale(pairs: deque) -> torch.Tensor:
    """Return y.s / y.y of each row's latest useful pair, 1 where there is none."""
    scale = torch.ones_like(pairs[0][2])
    for _, bend, inverse in pairs:
        useful = inverse > 0
        latest = 1.0 / (inverse * (bend**2).sum(1)).clamp_min(1e-300)
        scale = torch.where(useful, latest, scale)
    return scale


def _backtrack(
    closure: Closure,
    theta: torch.Tensor,
    value: torch.Tensor,
    gradient: torch.Tensor,
    direction: torch.Tensor,
    tries: int = 8,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Shorten each row's step until the value falls enough (Armijo); rows that fail stay put."""
    slope = (gradient * direction).sum(1)
    length = torch.ones_like(value)
    for _ in range(tries):
        moved = theta + length[:, None] * direction
        new_value, new_gradient = closure(moved)
        accepted = new_value <= value + 1e-4 * length * slope
        if accepted.all():
            return moved, new_value, new_gradient
        parabola = -slope * length**2 / (2.0 * (new_value - value - slope * length))
        shorter = torch.nan_to_num(parabola, nan=0.0).clamp(0.1 * length, 0.5 * length)
        length = torch.where(accepted, length, shorter)
    moved = torch.where(accepted[:, None], moved, theta)
    return (
        moved,
        torch.where(accepted, new_value, value),
        torch.where(accepted[:, None], new_gradient, gradient),
    )
