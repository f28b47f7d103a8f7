"""Where a reconstruction leaves x as it is, and what it does around there (C2, C8)."""

import warnings

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from autoscore.fields import Field
from autoscore.geometry.windows import checked_window, grid_points

STEPS = 60  # of Newton's iteration at most, none of them longer than one sigma
SINGULAR = 1e-6  # singular values below this share of the largest give no direction to step in
LEAST_DAMPING = 1e-4
# |r(x) - x| at a fixed point, in sigmas; more in directions where a singular value of dr/dx - I,
# the steepness, is above 1
TOLERANCE = 1e-4
MERGED = 0.05  # sigmas: points in the same or in neighbouring cells of this size are one
SLOW = 0.1  # real part of an eigenvalue: ten passes through r change a length by a factor of e
FINEST = 0.01  # size of the cells in which turns are looked for at last, in sigmas
HALVINGS = 24  # of a segment along which the direction turns too fast to be followed
SPLIT = 4  # cells along each side of a cell that is split
ASKEW = 0.0731  # shift of the lines inside a cell, as a share of the new cells
CHUNK = 50_000  # corners of cells at once
MOST = 20_000  # cells that turn: a field that bends within every sigma has no end of them


def find_fixed_points(field: Field, window: np.ndarray, grid: int = 40) -> pd.DataFrame:
    """Return the fixed points of r inside a window ``(d, 2)``, and their kinds.

    Damped Newton from `grid` >= 1 starts along each side, all at once. For d = 2 it also starts in
    the cells around which r(x) - x turns by full circles, see `turning_cells`: at small sigma the
    field between two arms of a curve changes sides within a small part of sigma, and no other
    start leads to a source there. Where |r(x) - x| cannot be told from rounding nothing is found.

    A row per fixed point, in the order of its coordinates ``x1``, ``x2``, ...: its ``kind``,
    ``sink``, ``source`` or ``saddle``; of the real parts of the eigenvalues of dr/dx - I the
    largest, ``growth``, the least, ``decay``, and the least in absolute value, ``slowest``; whether
    that is ``slow``, as along a degenerate curve, where nearly all points are nearly fixed and
    small errors of r decide which are; the largest imaginary part, ``turning``; the ``residual``
    |r(x) - x|; the number of ``starts`` that ended there; and the diagonal of the box around where
    they ended, ``extent``, 0 up to rounding at an isolated point.
    """
    window = checked_window(window, field.dim)
    if grid < 1:
        raise ValueError(f"fixed points are looked for in a grid of 1 cell or more, not {grid}")
    starts = grid_points(window, grid)
    if field.dim == 2:
        starts = np.concatenate([starts, turning_cells(field, window, grid)])
    x, flow, slope = _newton(field, starts)
    directions, steepness, _ = np.linalg.svd(slope)
    along = np.abs(np.einsum("nik,ni->nk", directions, flow))
    kept = (along <= TOLERANCE * field.sigma * np.maximum(1.0, steepness)).all(1)
    # if rounding were larger, everything would pass
    kept &= field.rounding(x) <= TOLERANCE * field.sigma
    kept &= ((x >= window[:, 0]) & (x <= window[:, 1])).all(1)
    x, slope, residual = x[kept], slope[kept], np.linalg.norm(flow[kept], axis=1)
    best, count, extent = _merged(x, residual, MERGED * field.sigma)
    table = pd.DataFrame(x[best], columns=[f"x{axis + 1}" for axis in range(field.dim)])
    values = np.linalg.eigvals(slope[best])
    growth, decay = values.real.max(1), values.real.min(1)
    slowest = np.abs(values.real).min(1)
    return table.assign(
        kind=np.select([growth < 0, decay > 0], ["sink", "source"], "saddle"),
        growth=growth,
        decay=decay,
        slowest=slowest,
        slow=slowest < SLOW,
        turning=np.abs(values.imag).max(1),
        residual=residual[best],
        starts=count,
        extent=extent,
    )


def turning_cells(field: Field, window: np.ndarray, cells: int) -> np.ndarray:
    """Return the centres of small cells around which r(x) - x, d = 2, turns by full circles.

    The number of turns is the Poincare index of what the cell holds: 1 for a source or a sink,
    -1 for a saddle. The window starts as cells x cells; cells that turn are split until they are
    smaller than `FINEST` sigma. The result has shape ``(n, 2)``.
    """
    low, high = window.T[:, None]
    parts = cells
    while len(low) and (high - low).max() > FINEST * field.sigma:
        # a zero on a line would belong to no cell: keep lines away from where symmetry puts zeros
        places = np.linspace(0.0, 1.0, parts + 1)
        places[1:-1] += ASKEW / parts
        unit = np.stack(np.meshgrid(places, places, indexing="ij"), axis=-1)
        found = []
        for start in range(0, len(low), max(1, CHUNK // parts**2)):
            chunk = slice(start, start + max(1, CHUNK // parts**2))
            points = low[chunk, None, None] + (high - low)[chunk, None, None] * unit
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


def _turn(field: Field, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Return the angle by which r(x) - x turns along each segment."""

    def angle(x: np.ndarray) -> np.ndarray:
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
        # beyond a right angle the shorter way round may be the wrong one: halve the segment
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


def _newton(field: Field, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where the starts end, with r(x) - x and its Jacobian there."""
    x, identity = x.copy(), np.eye(field.dim)
    flow, slope = field.move(x), field.jacobian(x) - identity
    damping = np.ones(len(x))
    for _ in range(STEPS):
        active = np.flatnonzero(damping > LEAST_DAMPING)
        if not len(active):
            break
        step = -(np.linalg.pinv(slope[active], rcond=SINGULAR) @ flow[active, :, None])[..., 0]
        length = np.linalg.norm(step, axis=1)
        limited = damping[active] * field.sigma / np.maximum(field.sigma, length)
        trial = x[active] + limited[:, None] * step
        flow_there = field.move(trial)
        # a step that does not lessen |r(x) - x| is not taken, and the next one is shorter
        better = np.linalg.norm(flow_there, axis=1) < np.linalg.norm(flow[active], axis=1)
        factor = np.where(better, 2.0, 0.25)
        damping[active] = np.minimum(1.0, factor * damping[active])
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


def positions(fixed: pd.DataFrame) -> np.ndarray:
    """Return the coordinates in a table of `find_fixed_points`, shape ``(n, d)``."""
    return fixed.filter(regex=r"^x\d+$").to_numpy(copy=True)
