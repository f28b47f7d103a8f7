"""Panels of a quadrature on the line that are as narrow as a density needs them, where it has mass.

Even panels over a box miss whatever is much narrower than the box, and say nothing. These begin at
the modes, grow away from them, and are halved until halving changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoscore.numerics.grids import gauss_legendre

STEP = 1.5  # standard deviations of a Gaussian on a panel: 16 nodes are exact to rounding
REACH = 7  # panels to each side of a Gaussian, ten standard deviations and a half
GRID = 2**16 + 1  # points of the first look for modes: narrower ones may be missed
DEEP = 700.0  # nats below the highest mode, where exp() is 0
TOLERANCE = 1e-11  # of the integral, relative: what halving all panels may still change
SETTLED = 1e-6  # what it may change if more panels do not lessen it
MOST = 20_000  # panels
GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)


@dataclass(frozen=True)
class Panels:
    """Disjoint intervals, in increasing order.

    Attributes
    ----------
    low, high
        Their ends, shape ``(n,)``.
    """

    low: np.ndarray
    high: np.ndarray

    def rule(self, order: int = 16) -> tuple[np.ndarray, np.ndarray]:
        """Return the nodes and weights of a Gauss-Legendre rule on them, shape ``(n order,)``."""
        nodes, weights = gauss_legendre(self.low, self.high, 1, order)
        return nodes.ravel(), weights.ravel()

    def cut(self, parts: np.ndarray) -> "Panels":
        """Return panels over the same intervals, each cut evenly into so many, shape ``(n,)``."""
        which = np.repeat(np.arange(len(parts)), parts)
        place = np.arange(len(which)) - np.repeat(np.cumsum(parts) - parts, parts)
        size = ((self.high - self.low) / parts)[which]
        low = self.low[which] + place * size
        return Panels(low, low + size)

    def no_wider_than(self, width: float) -> "Panels":
        """Return panels over the same intervals, each cut evenly until none is wider."""
        return self.cut(np.maximum(1, np.ceil((self.high - self.low) / width)).astype(int))


def panels_between(edges: np.ndarray) -> Panels:
    """Return the panels between increasing edges."""
    return Panels(edges[:-1], edges[1:])


def panels_around(centres: np.ndarray, widths: np.ndarray) -> Panels:
    """Return panels that resolve every one of many Gaussians, and nothing between them.

    Parameters
    ----------
    centres, widths
        Their means and standard deviations, shape ``(n,)``.
    """
    cells = []
    for width in np.unique(widths):
        home = np.floor(centres[widths == width] / (STEP * width))
        lattice = np.unique(home[:, None] + np.arange(-REACH, REACH + 1))
        cells.append(STEP * width * np.stack([lattice, lattice + 1.0]))
    low, high = np.concatenate(cells, axis=1)
    edges = np.unique(np.concatenate([low, high]))
    # an interval between two edges is wanted if more cells have begun before it than have ended
    begun = np.searchsorted(np.sort(low), edges[:-1], side="right")
    ended = np.searchsorted(np.sort(high), edges[:-1], side="right")
    inside = begun > ended
    return Panels(edges[:-1][inside], edges[1:][inside])


def resolve(log_f: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> Panels:
    """Return panels that resolve exp(log_f) on an interval, where it is not negligible.

    Modes are found first: local maxima on a grid, each followed to its top. Panels are graded
    around them, and halved where halving changes the integral.

    Parameters
    ----------
    log_f
        From points ``(n,)`` to the logarithm of a positive function, ``(n,)``.
    low, high
        Ends of the interval.

    Returns
    -------
    Panels
        Those on which the function is above exp(-700) times its maximum. Halving all of them would
        change its integral by `TOLERANCE` of itself at most, or by what rounding leaves.

    Raises
    ------
    ValueError
        If `MOST` panels do not resolve it.
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
        # far from the origin, what is left may be the rounding of the points themselves
        if error <= TOLERANCE or SETTLED > error > 0.5 * before:
            break
        before = error
        wrong = change > 0.5 * TOLERANCE * total / len(change)
        # halving ends where an interval is as narrow as numbers are near to one another
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
    modes = _modes(log_f, low, high)
    # how far the function has fallen at distances from the whole interval down to rounding
    distance = (high - low) * 0.5 ** np.arange(50.0)
    edges = [np.linspace(low, high, 65)]
    for mode in modes:
        top = log_f(np.array([mode]))[0]
        around = np.clip(np.stack([mode - distance, mode + distance]), low, high)
        fallen = (log_f(around.ravel()).reshape(2, -1) < top - 0.5).any(0)
        narrowest = distance[fallen][-1] if fallen.any() else distance[0]
        steps = distance[distance >= 0.5 * narrowest]
        edges += [mode - steps, [mode], mode + steps]
    found = np.unique(np.clip(np.concatenate(edges), low, high))
    apart = np.diff(found, prepend=-np.inf) > 1e-14 * (high - low)
    apart[-1] = True
    return found[apart]


def _modes(log_f: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> np.ndarray:
    """Return the local maxima that a grid shows, and where golden sections lead from each."""
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
