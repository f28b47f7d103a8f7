"""Where a reconstruction leaves x as it is, and what it does around there (C2, C8)."""

import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from autoscore.fields import Field
from autoscore.geometry.windows import checked_window, grid_points

SINGULAR = 1e-6  # singular values below this share of the largest are no direction for a step
LEAST_DAMPING = 1e-4
FINEST = 0.01  # of the cells in which turns are looked for, in sigmas
HALVINGS = 24  # of a segment along which the direction turns too fast to be followed
SPLIT = 4  # parts of a cell's side when it is looked at again
ASKEW = 0.0731  # of a part, by which the lines inside of a cell are shifted
BLOCK = 50_000  # corners of cells at once
MOST = 20_000  # cells that turn: of a field that bends within every sigma there is no end of them


def find_fixed_points(
    field: Field,
    window: np.ndarray,
    grid: int = 40,
    *,
    starts: np.ndarray | None = None,
    steps: int = 60,
    tolerance: float = 1e-4,
    merge: float = 0.05,
    slow: float = 0.1,
) -> pd.DataFrame:
    """Return the fixed points of r inside a window, and their kinds.

    Damped Newton from an even grid of starts, all at once. Where d = 2 there are more starts, in
    the cells around which r(x) - x turns by full circles (see `turning_cells`): at small sigma
    the field between two arms of a curve changes sides within a small part of sigma, and a
    source there attracts Newton's iteration from nowhere else.

    Parameters
    ----------
    field
        The reconstruction. All lengths below are in units of its sigma, on which it bends.
    window
        Shape ``(d, 2)``.
    grid
        Starts along each side, and cells in which turns are looked for at first.
    starts
        Points ``(n, d)`` to start from instead of the grid, which in many dimensions has too many.
    steps
        Newton steps at most, none of them longer than one sigma.
    tolerance
        A point counts as fixed when |r(x) - x| <= tolerance sigma, times the steepness of the
        field (the singular value of dr/dx - I) in directions where that is above 1. None does
        where that is less than the rounding of r(x) - x: sigma is too small there to tell.
    merge
        Points in the same or in neighbouring cells of this size are one.
    slow
        A real part of an eigenvalue of dr/dx - I is slow if it is nearer to 0 than this: with
        0.1, ten passes through r change a small displacement by a factor of e at most.

    Returns
    -------
    pandas.DataFrame
        A row a fixed point, in the order of its coordinates ``x1``, ``x2``, ...; its ``kind``,
        ``sink``, ``source`` or ``saddle``; the largest and the least real part of the
        eigenvalues of dr/dx - I, ``growth`` and ``decay``, and the least absolute one,
        ``slowest``; whether that is ``slow``, as it is on a bare curve, along which nearly all
        points are nearly fixed, and where small errors of r decide which are; the largest
        imaginary part, ``turning``; the ``residual`` |r(x) - x|; the number of ``starts`` that
        ended there; and the diagonal of the box that holds where they ended, ``extent``, which
        is 0 but for rounding at an isolated point.

    Raises
    ------
    ValueError
        If the window does not fit the field, or there is no cell to look into.
    """
    window = checked_window(window, field.dim)
    if grid < 1:
        raise ValueError(f"fixed points are looked for in a grid of 1 cell or more, not {grid}")
    starts = grid_points(window, grid) if starts is None else starts
    if field.dim == 2:
        starts = np.concatenate([starts, turning_cells(field, window, grid)])
    x, flow, slope = _newton(field, starts, steps)
    directions, steepness, _ = np.linalg.svd(slope)
    along = np.abs(np.einsum("nik,ni->nk", directions, flow))
    kept = (along <= tolerance * field.sigma * np.maximum(1.0, steepness)).all(1)
    # where less than that is rounding, everything would pass
    kept &= field.rounding(x) <= tolerance * field.sigma
    kept &= ((x >= window[:, 0]) & (x <= window[:, 1])).all(1)
    x, slope, residual = x[kept], slope[kept], np.linalg.norm(flow[kept], axis=1)
    best, count, extent = _merged(x, residual, merge * field.sigma)
    table = pd.DataFrame(x[best], columns=[f"x{axis + 1}" for axis in range(field.dim)])
    table = table.assign(**_kinds(slope[best], slow))
    return table.assign(residual=residual[best], starts=count, extent=extent)


def turning_cells(field: Field, window: np.ndarray, cells: int) -> np.ndarray:
    """Return the centres of small cells around which r(x) - x turns by full circles, ``(n, 2)``.

    The number of turns is the Poincare index of what the cell holds: 1 for a source or a sink,
    -1 for a saddle. Cells that turn are split until they are smaller than `FINEST` sigma.

    Parameters
    ----------
    field
        A field with d = 2.
    window
        Shape ``(2, 2)``.
    cells
        Cells along each side of the window at first.
    """
    low, high = window.T[:, None]
    parts = cells
    while len(low) and (high - low).max() > FINEST * field.sigma:
        # a zero at a corner would belong to no cell: lines are not where symmetric fields vanish
        places = np.linspace(0.0, 1.0, parts + 1)
        places[1:-1] += ASKEW / parts
        unit = np.stack(np.meshgrid(places, places, indexing="ij"), axis=-1)
        found = []
        for start in range(0, len(low), max(1, BLOCK // parts**2)):
            block = slice(start, start + max(1, BLOCK // parts**2))
            points = low[block, None, None] + (high - low)[block, None, None] * unit
            first = _turn(field, points[:, :-1], points[:, 1:])
            second = _turn(field, points[:, :, :-1], points[:, :, 1:])
            around = first[:, :, :-1] + second[:, 1:] - first[:, :, 1:] - second[:, :-1]
            turns = np.abs(around) > np.pi
            found.append((points[:, :-1, :-1][turns], points[:, 1:, 1:][turns]))
        low, high = (np.concatenate(part) for part in zip(*found, strict=True))
        if len(low) > MOST:
            warnings.warn(
                f"sigma {field.sigma:g} is too small for these data: r(x) - x turns in more than "
                f"{MOST} cells of the window, and only fixed points near an even grid are listed",
                stacklevel=2,
            )
            return np.empty((0, 2))
        parts = SPLIT
    return 0.5 * (low + high)


def winding(field: Field, window: np.ndarray, points: int = 400) -> int:
    """Return how often r(x) - x turns as x goes once around the edge of a window.

    By Poincare and Hopf it is the number of sinks and sources inside less that of saddles, which
    tells whether some were missed.

    Parameters
    ----------
    field
        A field with d = 2.
    window
        Shape ``(2, 2)``.
    points
        Points along each side to start from; there are more where the direction turns fast.
    """
    low, high = np.asarray(window, dtype=float).T
    steps = np.linspace(0.0, 1.0, points + 1)[:-1]
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    sides = [a + steps[:, None] * (b - a) for a, b in pairwise(corners)]
    edge = low + (high - low) * np.concatenate(sides)
    return round(_turn(field, edge, np.roll(edge, -1, axis=0)).sum() / (2.0 * np.pi))


def _turn(field: Field, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Return the angle by which r(x) - x turns along each segment, shape ``(...)``.

    A segment along which it turns by more than a right angle is halved, as the shorter way round
    may be the wrong one.
    """

    def angle(x: np.ndarray) -> np.ndarray:
        """Return the direction, NaN where it is but rounding."""
        flow = field.move(x)
        angles = np.arctan2(flow[:, 1], flow[:, 0])
        return np.where(np.hypot(*flow.T) <= field.rounding(x), np.nan, angles)

    shape = start.shape[:-1]
    start, stop = start.reshape(-1, 2), stop.reshape(-1, 2)
    before, after = angle(start), angle(stop)
    total, owner = np.zeros(len(start)), np.arange(len(start))
    for halvings in range(HALVINGS + 1):
        turn = (after - before + np.pi) % (2.0 * np.pi) - np.pi
        turn = np.where(np.isnan(turn), 0.0, turn)
        sure = (np.abs(turn) < 0.5 * np.pi) | (halvings == HALVINGS)
        np.add.at(total, owner[sure], turn[sure])
        if sure.all():
            break
        start, stop, before, after, owner = (
            part[~sure] for part in (start, stop, before, after, owner)
        )
        middle = 0.5 * (start + stop)
        between = angle(middle)
        start, stop = np.concatenate([start, middle]), np.concatenate([middle, stop])
        before, after = np.concatenate([before, between]), np.concatenate([between, after])
        owner = np.tile(owner, 2)
    return total.reshape(shape)


def _newton(field: Field, x: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where the starts end, with r(x) - x and its Jacobian there.

    A step is taken if it lessens |r(x) - x|; if not, the next one from the same point is shorter.
    """
    x, identity = x.copy(), np.eye(field.dim)
    flow, slope = field.move(x), field.jacobian(x) - identity
    damping = np.ones(len(x))
    for _ in range(steps):
        active = np.flatnonzero(damping > LEAST_DAMPING)
        if not len(active):
            break
        step = -(np.linalg.pinv(slope[active], rcond=SINGULAR) @ flow[active, :, None])[..., 0]
        length = np.linalg.norm(step, axis=1)
        limited = damping[active] * field.sigma / np.maximum(field.sigma, length)
        trial = x[active] + limited[:, None] * step
        flow_there = field.move(trial)
        better = np.linalg.norm(flow_there, axis=1) < np.linalg.norm(flow[active], axis=1)
        damping[active] = np.where(
            better, np.minimum(1.0, 2.0 * damping[active]), 0.25 * damping[active]
        )
        moved = active[better]
        x[moved], flow[moved] = trial[better], flow_there[better]
        slope[moved] = field.jacobian(x[moved]) - identity
    return x, flow, slope


def _merged(
    x: np.ndarray, residual: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the index of the best point of each cluster, the clusters' sizes and extents."""
    if not len(x):
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    cells, cell = np.unique(np.rint(x / width), axis=0, return_inverse=True)
    pairs = cKDTree(cells).query_pairs(1.0, p=np.inf, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(cells), len(cells)))
    cluster = connected_components(links, directed=False)[1][cell.ravel()]
    order = np.lexsort((residual, cluster))
    _, first, count = np.unique(cluster[order], return_index=True, return_counts=True)
    clusters = pd.DataFrame(x).groupby(cluster)
    spread = (clusters.max() - clusters.min()).to_numpy()
    return order[first], count, np.linalg.norm(spread, axis=1)


def _kinds(slope: np.ndarray, slow: float) -> dict[str, np.ndarray]:
    values = np.linalg.eigvals(slope)
    growth, decay = values.real.max(1), values.real.min(1)
    slowest = np.abs(values.real).min(1)
    return {
        "kind": np.select([growth < 0, decay > 0], ["sink", "source"], "saddle"),
        "growth": growth,
        "decay": decay,
        "slowest": slowest,
        "slow": slowest < slow,
        "turning": np.abs(values.imag).max(1),
    }


def positions(fixed: pd.DataFrame) -> np.ndarray:
    """Return the coordinates in a table of `find_fixed_points`, shape ``(n, d)``."""
    return fixed.filter(regex=r"^x\d+$").to_numpy(copy=True)
