"""Panels of a quadrature on the line, as narrow as a density needs where it has mass.

Even panels over a box silently miss whatever is much narrower than the box. These start at the
modes, grow away from them, and are halved until halving changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoscore.numerics.grids import gauss_legendre

STEP = 1.5  # standard deviations of a Gaussian per panel: 16 nodes are exact to rounding
REACH = 7  # panels on each side of a Gaussian, ten and a half standard deviations
GRID = 2**16 + 1  # points on which modes are first looked for: narrower ones may be missed
DEEP = 700.0  # nats below the highest mode, where exp() is 0
TOLERANCE = 1e-11  # relative change of the integral that halving all panels may leave
SETTLED = 1e-6  # the same where more panels do not reduce it
MOST = 20_000  # panels
GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)


@dataclass(frozen=True)
class Panels:
    """Disjoint intervals in increasing order, with ends of shape ``(n,)``."""

    low: np.ndarray
    high: np.ndarray

    def rule(self, order: int = 16) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes and weights of a Gauss-Legendre rule, shape ``(n order,)``."""
        nodes, weights = gauss_legendre(self.low, self.high, 1, order)
        return nodes.ravel(), weights.ravel()

    def cut(self, parts: np.ndarray) -> "Panels":
        """Return the panels cut evenly, each into its number of parts, shape ``(n,)``."""
        which = np.repeat(np.arange(len(parts)), parts)
        place = np.arange(len(which)) - np.repeat(np.cumsum(parts) - parts, parts)
        size = ((self.high - self.low) / parts)[which]
        low = self.low[which] + place * size
        return Panels(low, low + size)

    def no_wider_than(self, width: float) -> "Panels":
        """Return the panels cut evenly until none is wider."""
        return self.cut(np.maximum(1, np.ceil((self.high - self.low) / width)).astype(int))


def panels_between(edges: np.ndarray) -> Panels:
    """Return the panels between increasing edges."""
    return Panels(edges[:-1], edges[1:])


def panels_around(centres: np.ndarray, widths: np.ndarray) -> Panels:
    """Return panels that resolve Gaussians, and nothing between them.

    Centres and widths, shape ``(n,)``, are their means and standard deviations.
    """
    cells = []
    for width in np.unique(widths):
        home = np.floor(centres[widths == width] / (STEP * width))
        lattice = np.unique(home[:, None] + np.arange(-REACH, REACH + 1))
        cells.append(STEP * width * np.stack([lattice, lattice + 1.0]))
    low, high = np.concatenate(cells, axis=1)
    edges = np.unique(np.concatenate([low, high]))
    # an interval between two edges is inside if more cells have begun before it than have ended
    begun = np.searchsorted(np.sort(low), edges[:-1], side="right")
    inside = begun > np.searchsorted(np.sort(high), edges[:-1], side="right")
    return Panels(edges[:-1][inside], edges[1:][inside])


def resolve(log_f: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> Panels:
    """Return panels that resolve exp(log_f) on an interval, where it is not negligible.

    Panels are graded around the modes, and halved where halving changes the integral: halving all
    of them would change it by `TOLERANCE` of itself at most, or by rounding. Those on which the
    function is below exp(-`DEEP`) times its maximum are left out. Raise ValueError if `MOST` panels
    do not resolve it.
    """
    panels = panels_between(_graded(log_f, low, high))
    before = np.inf
    while True:
        middle = 0.5 * (panels.low + panels.high)
        rules = [panels, Panels(panels.low, middle), Panels(middle, panels.high)]
        nodes, weights = (np.stack(part) for part in zip(*(of.rule() for of in rules), strict=True))
        values = log_f(nodes.ravel())
        highest = values.max()
        if not np.isfinite(highest):
            raise ValueError(f"it is not finite on [{low:g}, {high:g}]")
        terms = weights * np.exp(values - highest).reshape(weights.shape)
        whole, left, right = terms.reshape(3, len(panels.low), -1).sum(-1)
        total = (left + right).sum()
        change = np.abs(whole - left - right)
        error = float(change.sum() / total)
        # far from the origin, the error may be the rounding of the points themselves
        if error <= TOLERANCE or SETTLED > error > 0.5 * before:
            break
        before = error
        wrong = change > 0.5 * TOLERANCE * total / len(change)
        # halving ends at neighbouring numbers
        wrong &= (middle > panels.low) & (middle < panels.high)
        if not wrong.any() or len(panels.low) + wrong.sum() > MOST:
            raise ValueError(
                f"{len(panels.low)} panels do not resolve it on [{low:g}, {high:g}]: halving them "
                f"changes its integral by {error:.1g} of itself"
            )
        edges = np.concatenate([panels.low, panels.high[-1:], middle[wrong]])
        panels = panels_between(np.sort(edges))
    held = np.exp(-DEEP) < np.maximum(left, right) / (panels.high - panels.low)
    return Panels(panels.low[held], panels.high[held])


def _graded(log_f: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> np.ndarray:
    """Return edges of panels that grow geometrically away from the modes, shape ``(n,)``."""
    # distances from a mode, from the whole interval down to rounding
    distance = (high - low) * 0.5 ** np.arange(50.0)
    edges = [np.linspace(low, high, 65)]
    for mode in _modes(log_f, low, high):
        top = log_f(np.array([mode]))[0]
        around = np.clip(np.stack([mode - distance, mode + distance]), low, high)
        fallen = (log_f(around.ravel()).reshape(2, -1) < top - 0.5).any(0)
        narrowest = distance[fallen][-1] if fallen.any() else distance[0]
        steps = distance[distance >= 0.5 * narrowest]
        edges += [mode - steps, np.array([mode]), mode + steps]
    found = np.unique(np.clip(np.concatenate(edges), low, high))
    apart = np.diff(found, prepend=-np.inf) > 1e-14 * (high - low)
    apart[-1] = True
    return found[apart]


def _modes(log_f: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> np.ndarray:
    """Return the local maxima of a grid, and where golden sections lead from each."""
    x = np.linspace(low, high, GRID)
    values = log_f(x)
    padded = np.concatenate([[-np.inf], values, [-np.inf]])
    peaks = np.flatnonzero((values >= padded[:-2]) & (values >= padded[2:]))
    peaks = peaks[np.argsort(-values[peaks], kind="stable")][:64]
    a, b = x[np.maximum(peaks - 1, 0)], x[np.minimum(peaks + 1, GRID - 1)]
    for _ in range(80):
        inner = GOLDEN * (b - a)
        left, right = b - inner, a + inner
        up = log_f(left) < log_f(right)
        a, b = np.where(up, left, a), np.where(up, b, right)
    return np.unique(np.concatenate([x[peaks], 0.5 * (a + b)]))
