"""Null models, fitted to the points that auto-encoders were trained on: fields like any other."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from autoscore.baselines.declaration import Baseline, Given
from autoscore.baselines.registry import BASELINES
from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.models.registry import Learned
from autoscore.numerics.streams import generator

STANDING = 9_999  # points that stand for a density itself, d = 1
FEWEST = 100  # points at which a field is evaluated, where it is defined by pairs of points
Fits = Callable[[float, int], "list[Fitted]"]  # from a number of points and a seed
Places = dict[tuple[float, int], dict[float, list[str]]]


@dataclass(frozen=True)
class Fitted:
    """A baseline as it was fitted to `n` points of one seed."""

    baseline: Baseline
    estimate: Any
    n: int

    @property
    def name(self) -> str:
        """Its name in tables."""
        return self.baseline.name

    @property
    def most(self) -> int | None:
        """At how many points of d > 1 it is evaluated at most, None for any number."""
        return self.baseline.pairs and max(FEWEST, self.baseline.pairs // self.n)

    def field(self, sigma: float) -> Field:
        """Return the reconstruction at a noise level > 0."""
        return self.baseline.field(self.estimate, float(sigma))  # type: ignore[misc]

    def score(self, sigma: float) -> Callable[[np.ndarray], np.ndarray] | None:
        """Return the score of p_sigma, or of p for sigma = 0; None if it estimates none."""
        if sigma:
            return self.baseline.field and self.field(sigma).score
        known = self.baseline.score
        return None if known is None else partial(known, self.estimate)


def fits(
    density: Density,
    data: Mapping[str, np.ndarray],
    architecture: Mapping,
    streams: tuple,
    others: Iterable[str] = (),
) -> Fits:
    """Return a function that fits all null models, and `others` by name, to what a model saw.

    It takes a number of points and a seed. For inf, the density itself, d = 1, evenly spread
    quantiles stand for it, and what needs a sample is left out; so is what chooses on validation
    points where there are none. `data` are those of `autoscore.data.draw_data`; `architecture` is
    that of the separate auto-encoders; `streams` names the random streams.
    """
    named = [b for name, b in BASELINES.items() if b.null or name in others]

    @cache
    def fitted(size: float, seed: int) -> list[Fitted]:
        exact = np.isinf(size)
        if exact:
            points = standing_points(density)
        else:
            # the points of a user's file are the same for all seeds
            points = data["train"][min(seed, len(data["train"]) - 1), : int(size)]
        found = []
        for baseline in named:
            lacking = baseline.needs_validation and not len(data["validation"])
            if lacking or (exact and not baseline.of_density):
                continue
            rng = generator(*streams, baseline.name, seed, None if exact else int(size))
            given = Given(points, data["validation"], rng, architecture)
            found.append(Fitted(baseline, baseline.fit(given), len(points)))
        return found

    return fitted


def standing_points(density: Density) -> np.ndarray:
    """Return the quantiles (k + 1/2) / n of a one-dimensional density, ``(n, 1)``."""
    x, weights = density.quadrature()
    order = np.argsort(x[:, 0])
    below = np.cumsum(weights[order])
    at = np.searchsorted(below, below[-1] * (np.arange(STANDING) + 0.5) / STANDING)
    return x[order[at]]


def places(learned: Learned, sigmas: np.ndarray, *, largest: bool = False) -> Places:
    """Return where models were trained: by number of points and seed, levels with objectives.

    Sliced score matching has the level 0. With `largest`, each model counts with the most points
    that it was trained on alone.
    """
    found: Places = {}
    for (objective, _, _), stack in learned.items():
        levels = [0.0] if objective == "ssm" else stack.levels(sigmas).tolist()
        most = stack.sizes.max() if largest else 0
        for place in stack.trained():
            if place[0] < most:
                continue
            at = found.setdefault(place, {})
            for sigma in levels:
                at[sigma] = sorted({*at.get(sigma, []), objective})
    return dict(sorted(found.items()))
