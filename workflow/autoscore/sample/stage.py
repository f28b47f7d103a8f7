"""All chains of one density and what they are worth: the stage `sample`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.files.storage import fingerprint
from autoscore.models.registry import Learned
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.sample.differences import COLUMNS as DIFFERENCES
from autoscore.sample.differences import difference_rows
from autoscore.sample.far_starts import least_log_p, lost_share
from autoscore.sample.metropolis import COLUMNS as METROPOLIS
from autoscore.sample.metropolis import Sweep
from autoscore.sample.mixing import mixing_row
from autoscore.sample.plans import Driver, Run, expand, make_driver, stack_of
from autoscore.sample.quality import DrawQuality
from autoscore.sample.runs import run_chains
from autoscore.samplers.registry import SAMPLERS

PROBED = 400  # points from which energy differences are taken
SHOWN = 5000  # independent draws that figures show
GRID = 161  # points along each side on which they show log p
STORED = 20_000  # draws of a run that are kept for figures, of the first chains
COLUMNS = [
    "density", "field", "model", "sampler", "sigma", "seed", "n", "acceptance", "kl", "kl_floor",
    "kl_kde", "mmd2", "mmd2_floor", "energy_distance", "mean_log_p", "mean_log_p_floor", "rhat",
    "ess", "ess_per_second", "score_evaluations", "seconds", "plan", "trained_on", "step",
    "is_tuned", "kl_corrected", "kl_corrected_floor", "energy_distance_floor", "coverage",
    "coverage_floor", "mean_log_p_kde",
    "kl_over_floor", "kl_over_kde", "log_p_short", "chains",
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
        self._quality_at = cache(
            lambda level: DrawQuality(self._smoothed(level), self.seed, self.name)
        )

    def run(
        self, report: Callable[[str], None] = print, checkpoints: Path | None = None
    ) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Return one row per run, in `COLUMNS`, and the draws of the first seed's runs by key.

        Draws have the shape ``(chains, draws, d)``. Beside them, under ``reference``, are
        independent draws, and in the plane log p on a grid: ``grid_1``, ``grid_2``, ``log_p``.
        `report` is called with a line of text now and then. Runs are saved in the folder
        `checkpoints`, which must belong to exactly these inputs, and continue from there.
        """
        rows, stored = [], self._backdrop()
        runs = expand(self.settings["plans"], self.learned)
        for _, alike in groupby(runs, key=lambda run: replace(run, plan="", sampler="")):
            driver = None
            for run in alike:
                driver = driver or make_driver(run, self.density, self.learned, self.data)
                row, draws = self._evaluate_run(run, driver, report, checkpoints)
                rows.append(row)
                if run.seed == 0:
                    stored[run.key] = draws[: max(1, STORED // draws.shape[1])]
        return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"}), stored

    def differences(self) -> pd.DataFrame:
        """Return how wrong energy differences are, one row per field, length and nodes."""
        asked, x = self.settings["differences"], self.data["held_out"]
        if not asked["models"]:
            labels = ["density", "field", "model", "sigma", "seed"]
            return pd.DataFrame(columns=[*DIFFERENCES, *labels])
        x = x if len(x) else self.density.sample(PROBED, self._stream("differences", "points"))
        tables = []
        for labels, field in [({"field": "exact"}, self.density), *self._probed(asked)]:
            density = self._smoothed(labels.get("sigma", 0.0))
            rows = difference_rows(field, density, x[:PROBED], self._stream("differences"))
            tables.append(pd.DataFrame(rows).assign(density=self.name, **labels))
        return pd.concat(tables, ignore_index=True)

    def far_starts(self) -> pd.DataFrame:
        """Return how many chains from far away end where there is no data, one row per field."""
        asked = self.settings["far_starts"]
        optima = [
            ({"field": "optimum", "sigma": sigma}, DenoisingOptimum(self.density, sigma))
            for sigma in (noise_levels(asked["sigmas"]) if asked["models"] else [])
        ]

        @cache
        def smoothed_at(sigma: float) -> tuple[Density, float]:
            smoothed = self.density.smoothed(sigma)
            return smoothed, least_log_p(smoothed, self._stream("far_starts"))

        rows = []
        for labels, field in [*optima, *self._probed(asked)]:
            clean, rng = self.data["train"][0], self._stream("far_starts")
            lost = lost_share(field, *smoothed_at(field.sigma), clean, rng)
            rows.append({"density": self.name} | labels | lost)
        columns = ["density", "field", "sigma", "lost", "escaped", "model", "seed"]
        return pd.DataFrame(rows, columns=columns)

    def metropolis(self) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Return how Metropolis-Hastings fares over both noise levels, in `METROPOLIS`.

        With it come the first seed's draws on learned fields, ``(chains, draws, d)``, by name.
        """
        asked, rows, stored = self.settings["metropolis"], [], {}
        for model in asked["models"]:
            stack = stack_of(self.learned, model)
            streams = partial(self._stream, "metropolis", model)
            clean = self.data["train"][:, : int(stack.sizes.max())]
            sweep = Sweep(self.density, stack, clean, self.data["validation"], asked, streams)
            for row, draws in sweep.rows():
                rows.append({"density": self.name, "model": model} | row)
                if row["field"] == "learned" and row["seed"] == 0:
                    stored[f"metropolis-{model}-{row['sigma']:g}-{row['step']:g}"] = draws
        return pd.DataFrame(rows, columns=METROPOLIS), stored

    def _probed(self, asked: dict) -> Iterator[tuple[dict, Field]]:
        """Yield the learned fields that are asked for, with their labels."""
        for model in asked["models"]:
            stack = stack_of(self.learned, model)
            for sigma in noise_levels(asked["sigmas"]):
                for seed in np.unique(stack.seeds).tolist():
                    labels = {"field": "learned", "model": model, "sigma": sigma, "seed": seed}
                    yield labels, stack.field(sigma, seed, stack.sizes.max())

    def _stream(self, *names: object) -> np.random.Generator:
        return generator(self.seed, "sample", self.name, *names)

    def _smoothed(self, level: float) -> Density:
        return self.density.smoothed(level) if level else self.density

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
        clean = self.data["train"][min(run.seed, len(self.data["train"]) - 1)]
        clean = clean if np.isinf(run.size) else clean[: int(run.size)]
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
        # on a degenerate curve, draws are held against data with the noise of the field
        level = run.sigma if self.density.is_degenerate else 0.0
        quality = self._quality_at(level)
        draws = chains.draws.reshape(-1, self.density.dim)
        n = len(draws)
        row = vars(run) | {"density": self.name, "trained_on": run.size, "chains": key, "n": n}
        row["step"] = getattr(chains.kernel, "step_size", np.nan)
        row["is_tuned"] = run.step is None and SAMPLERS[run.sampler].acceptance is not None
        row |= mixing_row(chains) | quality.distances(draws) | quality.floor(n)
        if np.isfinite(run.size):
            row |= quality.kernel_estimate(clean, self.data["validation"], n, run.seed, level)
        row["log_p_short"] = row["mean_log_p_floor"] - row["mean_log_p"]
        for other in ("floor", "kde"):
            row[f"kl_over_{other}"] = row.get("kl", np.nan) / row.get(f"kl_{other}", np.nan)
        return row, chains.draws
