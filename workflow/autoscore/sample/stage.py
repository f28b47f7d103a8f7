"""All chains of one density and what they are worth: the stage `sample`."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.files.storage import fingerprint
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.sample.differences import COLUMNS as DIFFERENCES
from autoscore.sample.differences import difference_rows
from autoscore.sample.far_starts import Ends, lost_share
from autoscore.sample.plans import Driver, Learned, Run, expand, make_driver, stack_of
from autoscore.sample.quality import DrawQuality, mixing
from autoscore.sample.runs import run_chains
from autoscore.samplers.registry import SAMPLERS

PROBED = 400  # points from which energy differences are taken
SHOWN = 5000  # independent draws that figures show
GRID = 161  # points along each side on which they show log p
STORED = 20_000  # draws of a run that are kept for figures, of the first chains
LEARNED = ["model", "sigma", "seed"]  # what tells learned fields apart
COLUMNS = [
    "density", "field", "model", "sampler", "sigma", "seed", "n", "acceptance", "kl", "kl_floor",
    "kl_kde", "mmd2", "mmd2_floor", "energy_distance", "mean_log_p", "mean_log_p_floor", "rhat",
    "ess", "ess_per_second", "score_evaluations", "seconds", "plan", "trained_on", "step",
    "is_tuned", "kl_corrected", "kl_corrected_floor", "energy_distance_floor", "coverage",
    "coverage_floor", "mean_log_p_kde",
    "kl_over_floor", "kl_over_kde", "log_p_short", "chains",
]  # fmt: skip


class Sampling:
    """One density, the models trained on it, and the chains that are asked for.

    Parameters
    ----------
    name, density
        The density, and its name.
    learned, data
        Trained stacks by (objective, model, source), and the samples that they were trained on.
    settings
        ``plans``, ``differences`` and ``far_starts``, as in the configuration.
    seed
        Of the whole run.
    """

    def __init__(
        self,
        name: str,
        density: Density,
        learned: Learned,
        data: dict[str, np.ndarray],
        settings: dict,
        seed: int,
    ) -> None:
        self.name, self.density, self.learned, self.data = name, density, learned, data
        self.settings, self.seed = settings, seed
        self._qualities: dict[float, DrawQuality] = {}
        self._kernel_estimates: dict[tuple[int, int, int, float], dict[str, float]] = {}

    def run(
        self, report: Callable[[str], None] = print, checkpoints: Path | None = None
    ) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Return a row a run, in `COLUMNS`, and the draws of the first seed's runs by their keys.

        Draws have the shape ``(chains, draws, d)``. Beside them, under ``reference``, are
        independent draws, and in the plane log p on a grid: ``grid_1``, ``grid_2``, ``log_p``.

        Parameters
        ----------
        report
            Called with a line of text now and then.
        checkpoints
            Folder in which runs are saved, and from which they go on if the job was stopped; None
            for none. It must belong to exactly these inputs.
        """
        rows, stored = [], self._backdrop()
        driven: tuple[tuple, Driver] | None = None
        for run in expand(self.settings["plans"], self.learned):
            wanted = (run.field, run.model, run.sigma, run.seed, run.size, run.step)
            if driven is None or driven[0] != wanted:
                driven = wanted, make_driver(run, self.density, self.learned, self.data)
            row, draws = self._measure_run(run, driven[1], report, checkpoints)
            rows.append(row)
            if run.seed == 0:
                stored[run.key] = draws[: max(1, STORED // draws.shape[1])]
        return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"}), stored

    def differences(self) -> pd.DataFrame:
        """Return how wrong energy differences are, a row a field, length and number of nodes."""
        asked, x = self.settings["differences"], self.data["held_out"]
        parts = []
        fields: list[tuple[dict, Field]] = []
        if asked["models"]:
            x = x if len(x) else self.density.sample(PROBED, self._stream("differences", "points"))
            fields = [({"field": "exact"}, self.density)]
        for labels, field in [*fields, *self._probed(asked)]:
            level = labels.get("sigma", 0.0)
            density = self.density.smoothed(level) if level else self.density
            rng = self._stream("differences")
            rows = difference_rows(field, density, x[:PROBED], rng)
            parts.append(pd.DataFrame(rows).assign(density=self.name, **labels))
        if not parts:
            return pd.DataFrame(columns=[*DIFFERENCES, "density", "field", *LEARNED])
        return pd.concat(parts, ignore_index=True)

    def far_starts(self) -> pd.DataFrame:
        """Return how many chains from far away end where there is no data, a row a field."""
        asked = self.settings["far_starts"]
        rows = []
        best = noise_levels(asked["sigmas"]) if asked["models"] else []
        optima = [
            ({"field": "optimum", "sigma": sigma}, DenoisingOptimum(self.density, sigma))
            for sigma in best
        ]
        ends = cache(lambda sigma: Ends(self.density.smoothed(sigma), self._stream("far_starts")))
        for labels, field in [*optima, *self._probed(asked)]:
            rng = self._stream("far_starts")
            lost = lost_share(field, ends(field.sigma), self.data["train"][0], rng)
            rows.append({"density": self.name} | labels | lost)
        columns = ["density", "field", "sigma", "lost", "escaped", "model", "seed"]
        return pd.DataFrame(rows, columns=columns)

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

    def _backdrop(self) -> dict[str, np.ndarray]:
        """Return what the draws are shown before."""
        backdrop = {"reference": self.density.sample(SHOWN, self._stream("reference"))}
        if self.density.dim == 2 and not self.density.is_degenerate:
            sides = [np.linspace(*side, GRID) for side in self.density.support]
            nodes = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)
            log_p = self.density.log_prob(nodes).reshape(GRID, GRID)
            backdrop |= {"grid_1": sides[0], "grid_2": sides[1], "log_p": log_p}
        return backdrop

    def _measure_run(
        self,
        run: Run,
        driver: Driver,
        report: Callable[[str], None],
        checkpoints: Path | None,
    ) -> tuple[dict, np.ndarray]:
        plan, key = self.settings["plans"][run.plan], run.key
        generators = [self._stream(key, chain) for chain in range(plan["chains"])]
        clean = self.data["train"][min(run.seed, len(self.data["train"]) - 1)]
        clean = clean if np.isinf(run.size) else clean[: int(run.size)]
        progress = partial(_say, report, key)
        saved = None
        if checkpoints is not None:
            saved = checkpoints / f"{key}-{fingerprint(sorted(plan.items()), [])}.npz"
        chains = run_chains(run, plan, driver, clean, generators, progress, saved)
        quality = self._quality_at(self._level(run))
        draws = chains.draws.reshape(-1, self.density.dim)
        row = self._labels(run, chains.kernel) | mixing(chains) | {"n": len(draws)}
        row |= quality.measure(draws) | quality.floor(len(draws))
        if np.isfinite(run.size):
            row |= self._kernel_estimate(clean, len(draws), run)
        row["log_p_short"] = row["mean_log_p_floor"] - row["mean_log_p"]
        for other in ("floor", "kde"):
            row[f"kl_over_{other}"] = row.get("kl", np.nan) / row.get(f"kl_{other}", np.nan)
        return row, chains.draws

    def _labels(self, run: Run, kernel: object) -> dict:
        return {
            "density": self.name,
            "field": run.field,
            "model": run.model,
            "sampler": run.sampler,
            "sigma": run.sigma,
            "seed": run.seed,
            "plan": run.plan,
            "trained_on": run.size,
            "step": getattr(kernel, "step_size", np.nan),
            "is_tuned": run.step is None and SAMPLERS[run.sampler].acceptance is not None,
            "chains": run.key,
        }

    def _level(self, run: Run) -> float:
        """Return the noise under which draws are measured: that of the field on a bare curve."""
        return run.sigma if self.density.is_degenerate else 0.0

    def _quality_at(self, level: float) -> DrawQuality:
        if level not in self._qualities:
            density = self.density.smoothed(level) if level else self.density
            self._qualities[level] = DrawQuality(density, self.seed, self.name)
        return self._qualities[level]

    def _kernel_estimate(self, clean: np.ndarray, n: int, run: Run) -> dict[str, float]:
        level = self._level(run)
        key = (len(clean), n, run.seed, level)
        if key not in self._kernel_estimates:
            points = (clean, self.data["validation"])
            found = self._quality_at(level).kernel_estimate(*points, n, run.seed, level)
            self._kernel_estimates[key] = found
        return self._kernel_estimates[key]


def _say(report: Callable[[str], None], key: str, done: int, steps: int) -> None:
    report(f"{key}: step {done} of {steps}")
