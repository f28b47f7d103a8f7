"""Between two arms of a curve: which way r(x) - x points, and where its sources are (C2).

Near a curve with arms a distance L apart, p_sigma is a sum of two ridges. Between them the field
changes sides half-way, up to sigma^2 log(w1 / w2) / L for arms with the densities w1 and w2; and
if sigma > L / 2, or less for unequal arms, there is but one ridge, and no source.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np

from autoscore.densities.curves import Curve
from autoscore.fields import Field
from autoscore.geometry.curve import CURVE_POINTS
from autoscore.models.registry import Learned
from autoscore.nulls import Fits, places
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.dae import DenoisingOptimum

STARTS = 60  # points of the curve from which segments start, to both sides
OUTLINE = 20_001  # points of the curve among which their ends are looked for
NEARER = 0.9  # of half a segment: its middle may not be nearer than that to the curve
NODES = 50  # of a segment, in the middles of as many even parts
ENDS = 0.1  # of a segment at both ends, in which the field turns around the curve itself
BANDS = 5  # of distance from the curve, up to half the arm spacing
FEW = 20  # segments, where a field is costly
COLUMNS = [
    "objective", "model", "sigma", "seed", "n", "quantity", "low", "high", "points", "value",
]  # fmt: skip


def arm_segments(curve: Curve, starts: int = STARTS) -> np.ndarray:
    """Return segments from arm to arm of a curve in the plane, ``(k, 2, 2)``: both ends of each.

    They run from points at even t along the normal, to both sides, to where the curve comes next,
    and are kept if no other part of the curve is nearer to their middle than their ends are.
    """
    low, high = curve.interval
    t = low + (high - low) * (np.arange(starts) + 0.5) / starts
    origin, tangent = curve.point(t), curve.velocity(t)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = tangent[:, ::-1] * [1.0, -1.0]
    outline = curve.point(np.linspace(low, high, OUTLINE))
    ahead = outline @ tangent.T - (origin * tangent).sum(1)  # (points, starts)
    aside = outline @ normal.T - (origin * normal).sum(1)
    before, owner = np.nonzero(ahead[:-1] * ahead[1:] <= 0)
    first, second = ahead[before, owner], ahead[before + 1, owner]
    share = np.divide(first, first - second, out=np.zeros_like(first), where=first != second)
    reach = aside[before, owner] * (1 - share) + aside[before + 1, owner] * share
    least = 1e-3 * np.ptp(outline, axis=0).max()  # the start itself is no other arm
    found = []
    for sign in (1.0, -1.0):
        nearest = np.full(starts, np.inf)
        far = sign * reach > least
        np.minimum.at(nearest, owner[far], np.abs(reach[far]))
        has = np.isfinite(nearest)
        ends = origin[has] + sign * nearest[has, None] * normal[has]
        found.append(np.stack([origin[has], ends], axis=1))
    segments = np.concatenate(found)
    middle, length = segments.mean(1), np.linalg.norm(np.diff(segments, axis=1)[:, 0], axis=1)
    apart = np.linalg.norm(curve.nearest(middle, CURVE_POINTS) - middle, axis=1)
    return segments[apart > 0.5 * NEARER * length]


def between_arms(move: np.ndarray, segments: np.ndarray, way: np.ndarray) -> Iterator[dict]:
    """Yield what a field does on segments ``(k, 2, 2)``, from its move r(x) - x at their `nodes`.

    The move and the `way` to the curve have shape ``(k, NODES, 2)``. A row per ``quantity`` has
    its ``value``, the number of ``points`` or segments that it is over, and, for cosines, the
    band of distance over half the segment's length between ``low`` and ``high``:

    - ``cosine``: mean cosine of r(x) - x and the way to the nearest point of the curve;
    - ``towards``: share of the points at which it is above 0;
    - ``one_source``: share of the segments along which r(x) - x changes sides once, from the way
      back to the way ahead;
    - ``source_offset``: mean distance of these sources from half-way, over the segment's length.
    """
    along = np.diff(segments, axis=1)
    length, distance = np.linalg.norm(along, axis=-1), np.linalg.norm(way, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (way * move).sum(-1) / (distance * np.linalg.norm(move, axis=-1))
    cosine = np.nan_to_num(cosine)  # where nothing moves, nothing points anywhere
    band = np.minimum(BANDS * 2.0 * distance / length, BANDS - 1).astype(int)
    for index in range(BANDS):
        those = cosine[band == index]
        edges = {"low": index / BANDS, "high": (index + 1) / BANDS, "points": len(those)}
        if len(those):
            yield edges | {"quantity": "cosine", "value": those.mean()}
            yield edges | {"quantity": "towards", "value": (those > 0).mean()}
    place = (np.arange(NODES) + 0.5) / NODES
    inner = (place > ENDS) & (place < 1.0 - ENDS)
    place, ahead = place[inner], (move * along).sum(-1)[:, inner]
    turns = np.diff(np.sign(ahead), axis=1) != 0
    single = (turns.sum(1) == 1) & (ahead[:, 0] < 0) & (ahead[:, -1] > 0)
    yield {"quantity": "one_source", "points": len(single), "value": single.mean()}
    if single.any():
        at = turns[single].argmax(1)
        before, after = (ahead[single][np.arange(len(at)), at + k] for k in (0, 1))
        source = place[at] + before / (before - after) / NODES
        offset = np.abs(source - 0.5).mean()
        yield {"quantity": "source_offset", "points": len(source), "value": offset}


def nodes(segments: np.ndarray) -> np.ndarray:
    """Return `NODES` points of each segment ``(k, 2, 2)``, of shape ``(k, NODES, 2)``."""
    place = ((np.arange(NODES) + 0.5) / NODES)[:, None]
    return segments[:, :1] * (1.0 - place) + segments[:, 1:] * place


def arm_rows(curve: Curve, learned: Learned, fits: Fits, sigmas: dict | list) -> Iterator[dict]:
    """Yield the rows of `between_arms` for the exact field, null models, and every trained one.

    Directions at random have a mean cosine of 0, and so has what moves nothing.
    """
    segments, levels = arm_segments(curve), noise_levels(sigmas)
    if not len(segments):
        return
    points = nodes(segments)
    flat = points.reshape(-1, 2)
    way = (curve.nearest(flat, CURVE_POINTS) - flat).reshape(points.shape)

    def rows(field: Field, most: int | None = None) -> list[dict]:
        # what is defined by pairs of points is seen on some of the segments
        some = slice(None, None, most and -(-len(segments) // FEW))
        move = field.move(points[some].reshape(-1, 2)).reshape(points[some].shape)
        return list(between_arms(move, segments[some], way[some]))

    for sigma in levels:
        labels = {"objective": "dae", "model": "exact", "sigma": sigma}
        yield from (labels | row for row in rows(DenoisingOptimum(curve, sigma)))
    for (size, seed), at in places(learned, levels).items():
        for fitted, (sigma, objectives) in product(fits(size, seed), at.items()):
            labels = {"model": fitted.name, "sigma": sigma, "seed": seed, "n": size}
            found = rows(fitted.field(sigma), fitted.most)
            yield from (labels | {"objective": o} | row for o, row in product(objectives, found))
    for (objective, model, _), stack in learned.items():
        for sigma in stack.levels(levels):
            for size, seed in stack.trained():
                labels = {"objective": objective, "model": model, "sigma": sigma}
                found = rows(stack.field(sigma, seed, size))
                yield from (labels | {"seed": seed, "n": size} | row for row in found)
