"""All chains of one density and what they are worth: the stage `sample`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import groupby, product
from pathlib import Path

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.files.storage import fingerprint
from autoscore.models.registry import Learned
from autoscore.nulls import Fitted, fits
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.plan import LEARNED
from autoscore.sample.differences import COLUMNS as DIFFERENCES
from autoscore.sample.differences import difference_rows
from autoscore.sample.distances import Cells
from autoscore.sample.far_starts import STARTS, Trial, least_log_p, lost_shares
from autoscore.sample.metropolis import COLUMNS as METROPOLIS
from autoscore.sample.metropolis import Sweep
from autoscore.sample.mixing import mixing_row
from autoscore.sample.nulls import FIELDS, Draw, null_draws
from autoscore.sample.plans import Driver, Run, expand, make_driver, stack_of
from autoscore.sample.quality import DrawQuality, cells_of
from autoscore.sample.runs import run_chains
from autoscore.samplers.registry import SAMPLERS
from autoscore.train.stack import SideBySide

PROBED = 200  # points per seed from which energy differences are taken
SHOWN = 5000  # independent draws that figures show
UNTRAINED = 2  # seeds with which an untrained network drives chains: each costs as learned ones
GRID = 161  # points along each side on which they show log p
STORED = 20_000  # draws of a run that are kept for figures, of the first chains
COLUMNS = [
    "density", "plan", "start", "field", "model", "sampler", "sigma", "seed", "trained_on", "step",
    "is_tuned", "n", "kl", "kl_floor", "kl_excess", "kl_corrected", "mmd2", "energy_distance",
    "mean_log_p", "mean_log_p_floor", "log_p_short", "coverage", "coverage_floor", "acceptance",
    "rhat", "ess", "ess_per_second", "score_evaluations", "seconds", "chains",
]  # fmt: skip


@dataclass
class Sampling:
    """The chains of one density, driven by it, its optima and the models trained on it.

    `learned` are trained stacks by (objective, model, source), `data` the samples that they were
    trained on, `settings` the configuration's ``plans``, ``differences``, ``far_starts`` and
    ``metropolis``, and `seed` is that of the whole pipeline.
    """

    name: str
    density: Density
    learned: Learned
    data: dict[str, np.ndarray]
    settings: dict
    seed: int

    def __post_init__(self) -> None:
        architecture = self.settings["architecture"]
        self._fits = fits(self.density, self.data, architecture, (self.seed, "sample", self.name))
        for name in ("_smoothed", "_cells", "_least", "_quality", "_nulls", "_null_row"):
            setattr(self, name, cache(getattr(self, name)))

    def run(
        self, report: Callable[[str], None] = print, checkpoints: Path | None = None
    ) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Return one row per run, in `COLUMNS`, and the draws of the first seed's runs by key.

        Rows of null models follow those of the learned field in whose place they stand. Draws have
        the shape ``(chains, draws, d)``. Beside them, under ``reference``, are independent draws,
        and in the plane log p on a grid: ``grid_1``, ``grid_2``, ``log_p``.
        `report` is called with a line of text now and then. Runs are saved in the folder
        `checkpoints`, which must belong to exactly these inputs, and continue from there.
        """
        rows, stored, replaced = [], self._backdrop(), set()
        runs = expand(self.settings["plans"], self.learned)
        for _, alike in groupby(runs, key=lambda run: replace(run, plan="", sampler="")):
            driver = None
            for run in alike:
                driver = driver or make_driver(run, self.density, self.learned, self.data)
                row, draws = self._evaluate_run(run, driver, report, checkpoints)
                rows.append(row)
                if run.seed == 0:
                    stored[run.key] = draws[: max(1, STORED // draws.shape[1])]
                place = replace(run, model="untrained")
                if run.field in LEARNED and place not in replaced:
                    replaced.add(place)
                    rows.extend(self._null_rows(run))
                    if run.field == "learned" and run.seed < UNTRAINED:
                        untrained = self._untrained(run, driver)
                        row, _ = self._evaluate_run(place, untrained, report, checkpoints)
                        rows.append(row | {"chains": np.nan})
        return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"}), stored

    def differences(self) -> pd.DataFrame:
        """Return how wrong energy differences are, one row per field, length and nodes."""
        asked = self.settings["differences"]
        if not asked["models"]:
            labels = ["density", "field", "model", "sigma", "seed"]
            return pd.DataFrame(columns=[*DIFFERENCES, *labels])
        tables, spread = [], 0.0
        for labels, field in [({"field": "exact"}, self.density), *self._probed(asked)]:
            # all fields of a seed are probed on the same paths, and exact ones on those of seed 0
            rng = self._stream("differences", labels.get("seed", 0))
            x, density = self.density.sample(PROBED, rng), self._smoothed(labels.get("sigma", 0.0))
            spread = spread or float(x.std(0).mean())  # the same lengths for all seeds
            rows = difference_rows(field, density, x, rng, spread)
            tables.append(pd.DataFrame(rows).assign(density=self.name, **labels))
        return pd.concat(tables, ignore_index=True)

    def far_starts(self) -> pd.DataFrame:
        """Return how many chains from far away end where there is no data, one row per field."""
        rows = []
        for score, labels in self._fields_from_afar():
            trials = [self._trial(one["sigma"], one.get("seed", 0)) for one in labels]
            for one, lost in zip(labels, lost_shares(score, trials), strict=True):
                rows.append({"density": self.name} | one | lost)
        columns = ["density", "field", "sigma", "lost", "escaped", "model", "seed"]
        return pd.DataFrame(rows, columns=columns)

    def _fields_from_afar(self) -> Iterator[tuple[Callable, Sequence[dict]]]:
        """Yield the score of one or several fields side by side, with the labels of each."""
        asked = self.settings["far_starts"]
        for sigma in noise_levels(asked["sigmas"]) if asked["models"] else []:
            optimum = DenoisingOptimum(self.density, sigma)
            yield optimum.score, [{"field": "optimum", "sigma": sigma}]
        for model, alike in groupby(self._probed(asked), key=lambda probed: probed[0]["model"]):
            labels, fields = zip(*alike, strict=True)
            stack = self.learned.get(("dae", model, "samples"))
            if stack is not None and stack.separate:  # each alone is mostly overhead
                size = stack.sizes.max()
                members = [stack.member(one["sigma"], one["seed"], size) for one in labels]
                yield SideBySide(stack, members, STARTS).score, labels
            else:
                yield from ((field.score, [one]) for one, field in zip(labels, fields, strict=True))

    def _trial(self, sigma: float, seed: int) -> Trial:
        likely = (self._smoothed(sigma), self._least(sigma), self._points(seed))
        return Trial(sigma, *likely, self._stream("far_starts", seed))

    def _least(self, sigma: float) -> float:
        return least_log_p(self._smoothed(sigma), self._stream("far_starts", "least"))

    def metropolis(self) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Return how Metropolis-Hastings fares over both noise levels, in `METROPOLIS`.

        With it come the first seed's draws on learned fields, ``(chains, draws, d)``, by name.
        """
        asked, rows, stored = self.settings["metropolis"], [], {}
        for model in asked["models"]:
            stack = stack_of(self.learned, model)
            streams = partial(self._stream, "metropolis", model)
            drawn = partial(self._nulls, float(stack.sizes.max()))
            for row, draws in Sweep(self.density, stack, drawn, asked, streams).rows():
                rows.append({"density": self.name, "model": model} | row)
                if (row["field"], rows[-1]["model"], row["seed"]) == ("learned", model, 0):
                    stored[f"metropolis-{model}-{row['sigma']:g}-{row['step']:g}"] = draws
        return pd.DataFrame(rows, columns=METROPOLIS), stored

    def _probed(self, asked: dict) -> Iterator[tuple[dict, Field]]:
        """Yield the learned fields that are asked for, then those of nulls, with their labels."""
        sigmas, seeds = noise_levels(asked["sigmas"]).tolist() if asked["models"] else [], set()
        for model in asked["models"]:
            stack = stack_of(self.learned, model)
            for sigma, seed in product(sigmas, np.unique(stack.seeds).tolist()):
                labels = {"field": "learned", "model": model, "sigma": sigma, "seed": seed}
                yield labels, stack.field(sigma, seed, stack.sizes.max())
            seeds |= set(np.unique(stack.seeds).tolist())
        for sigma, seed in product(sigmas, sorted(seeds)):
            for model in FIELDS:
                field = self._fitted(np.inf, seed)[model].field(sigma)
                yield {"field": "learned", "model": model, "sigma": sigma, "seed": seed}, field

    def _points(self, seed: int, size: float = np.inf) -> np.ndarray:
        """Return the training points of a seed, of as many as `size` says."""
        points = self.data["train"][min(seed, len(self.data["train"]) - 1)]
        return points if np.isinf(size) else points[: int(size)]

    def _stream(self, *names: object) -> np.random.Generator:
        return generator(self.seed, "sample", self.name, *names)

    def _smoothed(self, level: float) -> Density:
        return self.density.smoothed(level) if level else self.density

    def _cells(self, level: float) -> Cells | None:
        return cells_of(self._smoothed(level))

    def _quality(self, level: float, seed: int) -> DrawQuality:
        streams = partial(self._stream, "quality", level, seed)
        return DrawQuality(self._smoothed(level), self._cells(level), streams)

    def _nulls(self, size: float, seed: int) -> dict[str, Draw]:
        return null_draws(self._points(seed, size), self._fitted(size, seed))

    def _fitted(self, size: float, seed: int) -> dict[str, Fitted]:
        return {one.name: one for one in self._fits(len(self._points(seed, size)), seed)}

    def _null_row(self, model: str, seed: int, size: float, level: float, n: int) -> dict:
        name = f"{model}-{seed}-{size:g}-{n}"
        draws = self._nulls(size, seed)[model](n, self._stream("nulls", level, name), level)
        return {"n": n} | self._quality(level, seed).row(draws, name)

    def _null_rows(self, run: Run) -> Iterator[dict]:
        """Yield rows of null models in place of the run's: measured once, if they depend on it."""
        plan = self.settings["plans"][run.plan]
        n = plan["chains"] * plan["draws"]
        for model in self._nulls(run.size, run.seed):
            measured = self._null_row(model, run.seed, run.size, self._level(run), n)
            yield self._labels(run) | {"model": model} | measured

    def _untrained(self, run: Run, driver: Driver) -> Driver:
        field_at = self._fitted(run.size, run.seed)["untrained"].field
        field = field_at(run.sigma)
        return replace(driver, source=field, field=field, field_at=field_at)

    def _level(self, run: Run) -> float:
        # on a degenerate curve, draws are held against data with the noise of the field
        return run.sigma if self.density.is_degenerate else 0.0

    def _labels(self, run: Run) -> dict:
        labels = {"density": self.name, "trained_on": run.size, "is_tuned": False}
        return vars(run) | labels | {"start": self.settings["plans"][run.plan]["start"]}

    def _backdrop(self) -> dict[str, np.ndarray]:
        """Return what figures show behind the draws."""
        backdrop = {"reference": self.density.sample(SHOWN, self._stream("reference"))}
        if self.density.dim == 2 and not self.density.is_degenerate:
            sides = [np.linspace(*side, GRID) for side in self.density.support]
            nodes = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)
            log_p = self.density.log_prob(nodes).reshape(GRID, GRID)
            backdrop |= {"grid_1": sides[0], "grid_2": sides[1], "log_p": log_p}
        return backdrop

    def _evaluate_run(
        self, run: Run, driver: Driver, report: Callable[[str], None], checkpoints: Path | None
    ) -> tuple[dict, np.ndarray]:
        plan, key = self.settings["plans"][run.plan], run.key
        generators = [self._stream(key, chain) for chain in range(plan["chains"])]
        clean = self._points(run.seed, run.size)
        file = f"{key}-{fingerprint(sorted(plan.items()), [])}.npz"
        chains = run_chains(
            run,
            plan,
            driver,
            clean,
            generators,
            progress=lambda done, steps: report(f"{key}: step {done} of {steps}"),
            checkpoint=None if checkpoints is None else checkpoints / file,
        )
        draws = chains.draws.reshape(-1, self.density.dim)
        row = self._labels(run) | {"chains": key, "n": len(draws)}
        row["step"] = getattr(chains.kernel, "step_size", np.nan)
        row["is_tuned"] = run.step is None and SAMPLERS[run.sampler].acceptance is not None
        row |= mixing_row(chains) | self._quality(self._level(run), run.seed).row(draws, key)
        return row, chains.draws
