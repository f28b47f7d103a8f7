"""Metropolis-Hastings from an auto-encoder, over both noise levels (the paper's section 4.2).

The chains take the paper's isotropic proposals, and energy differences from the field alone. All
pairs of noise levels and all seeds go side by side, in one batch of chains.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, partial
from itertools import chain

import numpy as np

from autoscore.densities.base import Density
from autoscore.numerics.streams import Streams
from autoscore.sample.distances import Discrepancies
from autoscore.sample.nulls import Draw
from autoscore.sample.quality import Coverage
from autoscore.samplers.chains import run
from autoscore.samplers.random_walk import RandomWalk
from autoscore.samplers.targets import Scored, make_target
from autoscore.train.stack import SideBySide, Stack

REFERENCE = 1000  # draws to which those of the chains are compared
TYPICAL = 20_000  # draws whose log p says what is probable
IMPROBABLE = 1e-3  # share of a density's own draws that are improbable
FINE = 20  # Gauss nodes whose error is nothing beside that of one
PROPOSED = 20  # draws of each chain from which such errors are measured
COLUMNS = [
    "density", "field", "model", "sigma", "step", "seed", "n", "reference", "acceptance", "move",
    "energy_distance", "coverage", "log_p_short", "improbable", "rule_error", "one_point_error",
]  # fmt: skip


class Likeness:
    """Scores draws, ``(n, d)``, against one density.

    ``energy_distance`` is unbiased; ``coverage`` is the least over all pairs of neighbouring
    coordinates, the last and the first included; ``log_p_short`` is how many nats the draws' mean
    log p is below that of the density's own; ``improbable`` is the share of draws where p is lower
    than at all but one in a thousand of these.
    """

    def __init__(self, density: Density, streams: Streams) -> None:
        self._density, reference = density, density.sample(REFERENCE, streams("reference"))
        self._discrepancy = Discrepancies(reference, [np.sqrt])
        self._coverage = Coverage(_closed(reference))
        own = density.log_prob(density.sample(TYPICAL, streams("typical")))
        self._mean, self._least = own.mean(), np.quantile(own, IMPROBABLE)

    def __call__(self, draws: np.ndarray) -> dict[str, float]:
        log_p = self._density.log_prob(draws)
        return {
            "energy_distance": float(self._discrepancy(draws)[0]),
            "coverage": self._coverage(_closed(draws)),
            "log_p_short": float(self._mean - log_p.mean()),
            "improbable": float((log_p < self._least).mean()),
        }


def _closed(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, x[:, :1]], axis=1)


@dataclass(frozen=True)
class Sweep:
    """Chains on one density for every pair of noise levels that is `asked` for, and every seed.

    `asked` is the configuration's ``metropolis``; `streams` returns named generators. The stack
    has separate models; `nulls` returns by name what is drawn from the null models of a seed.
    """

    density: Density
    stack: Stack
    nulls: Callable[[int], dict[str, Draw]]
    asked: dict
    streams: Streams

    def rows(self) -> Iterator[tuple[dict, np.ndarray]]:
        """Yield rows in `COLUMNS`, one for each set of draws and reference, with the draws.

        After the ``learned`` chains come those on the ``exact`` score of p_sigma at the first pair
        of levels, and as many independent draws of ``p`` and of each ``p_sigma``. Rows of null
        models repeat the same draws in place of each learned run. ``move`` is the root mean squared
        distance from one draw to the next, `thin` steps later.
        """
        for labels, draws in chain(self._learned(), self._exact(), self._independent()):
            flat, seed = draws.reshape(-1, self.density.dim), labels["seed"]
            labels |= {"move": _move(draws), "n": len(flat)}
            for reference, level in (("p", 0.0), ("p_sigma", labels["sigma"])):
                yield labels | {"reference": reference} | self._alike(level, seed)(flat), draws
        for seed in self._seeds:
            for model, draw in self.nulls(seed).items():
                yield from self._null_rows(model, draw, seed)

    def _null_rows(self, model: str, draw: Draw, seed: int) -> Iterator[tuple[dict, np.ndarray]]:
        n, pairs = self.asked["chains"] * self.asked["draws"], self.asked["pairs"]
        draws = draw(n, self.streams("null", model, seed), 0.0)
        labels = {"field": "learned", "model": model, "n": n, "move": _move(draws[None])}
        levels = {0.0, *(sigma for sigma, _ in pairs)}
        measured = {level: self._alike(level, seed)(draws) for level in levels}
        for pair in pairs:
            for reference, level in (("p", 0.0), ("p_sigma", pair[0])):
                labels |= _labels(*pair, seed) | {"reference": reference}
                yield labels | measured[level], draws[None]

    @cached_property
    def _seeds(self) -> list[int]:
        return np.unique(self.stack.seeds).tolist()

    @cached_property
    def _alike(self) -> Callable[[float, int], Likeness]:
        return cache(
            lambda sigma, seed: Likeness(
                self._at(sigma), partial(self.streams, "likeness", sigma, seed)
            )
        )

    def _at(self, sigma: float) -> Density:
        return self.density.smoothed(sigma) if sigma else self.density

    def _chains(self, field: str, runs: list[dict], source: Scored) -> Iterator[tuple]:
        """Run chains from the origin, where those of the authors' repository begin.

        Of equal groups of consecutive chains, each has the labels of one of the `runs`.
        """
        asked, each = self.asked, self.asked["chains"]
        steps = np.repeat([labels["step"] for labels in runs], each)
        names = [(field, *labels.values(), k) for labels in runs for k in range(each)]
        found = run(
            RandomWalk(make_target(source, asked["nodes"]), steps[:, None]),
            np.zeros((len(steps), self.density.dim)),
            asked["draws"],
            [self.streams(*name) for name in names],
            burn_in=asked["burn_in"],
            thin=asked["thin"],
        )
        errors = rule_errors(source, found.draws, steps, asked["nodes"], self.streams(field))
        for k, labels in enumerate(runs):
            own = slice(k * each, (k + 1) * each)
            measured = errors | {"acceptance": found.acceptance}
            means = {name: float(values[own].mean()) for name, values in measured.items()}
            yield {"field": field} | labels | means, found.draws[own]

    def _learned(self) -> Iterator[tuple]:
        pairs, size = self.asked["pairs"], self.stack.sizes.max()
        runs = [_labels(*pair, seed) for pair in pairs for seed in self._seeds]
        members = [self.stack.member(one["sigma"], one["seed"], size) for one in runs]
        source = SideBySide(self.stack, members, self.asked["chains"])
        yield from self._chains("learned", runs, source)

    def _exact(self) -> Iterator[tuple]:
        sigma, step = self.asked["pairs"][0]
        runs = [_labels(sigma, step, seed) for seed in self._seeds]
        yield from self._chains("exact", runs, self._at(sigma))

    def _independent(self) -> Iterator[tuple]:
        n, (first, _) = self.asked["chains"] * self.asked["draws"], self.asked["pairs"][0]
        levels = dict.fromkeys(sigma for sigma, _ in self.asked["pairs"])
        sources = [("p", first, self.density)]
        sources += [("p_sigma", sigma, self._at(sigma)) for sigma in levels]
        for seed in self._seeds:
            for field, sigma, source in sources:
                draws = source.sample(n, self.streams(field, sigma, seed))
                yield {"field": field} | _labels(sigma, 0.0, seed), draws[None]


def _move(draws: np.ndarray) -> float:
    return float(np.sqrt((np.diff(draws, axis=1) ** 2).sum(-1).mean()))


def _labels(sigma: float, step: float, seed: int) -> dict:
    return {"sigma": sigma, "step": step, "seed": seed}


def rule_errors(
    source: Scored, draws: np.ndarray, steps: np.ndarray, nodes: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return how much acceptance probabilities are off by the rule of integration, by chain.

    Proposals start at the draws, ``(chains, draws, d)``. ``rule_error`` is the mean error with that
    many `nodes` on the path, ``one_point_error`` with the score at its start, both against `FINE`
    nodes on the same field.
    """
    total = np.zeros((2, len(steps)))
    chosen = np.linspace(0, draws.shape[1] - 1, PROPOSED).astype(int)
    for x in draws[:, chosen].swapaxes(0, 1):
        y = x + steps[:, None] * rng.standard_normal(x.shape)
        fine, *others = (_acceptance(source, rule, x, y) for rule in (FINE, nodes, "one-point"))
        total += np.abs(np.array(others) - fine)
    names = ("rule_error", "one_point_error")
    return dict(zip(names, total / PROPOSED, strict=True))


def _acceptance(source: Scored, rule: int | str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    target = make_target(source, rule)
    difference = target.compare(x, target.evaluate(x, score=False), y, score=False)[0]
    return np.exp(np.minimum(difference, 0.0))
