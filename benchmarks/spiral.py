"""The paper's spiral as the configuration has it, to time ways to learn it at equal error."""

from functools import cache, cached_property
from pathlib import Path

import numpy as np
import yaml

from autoscore.configuration import complete, merge
from autoscore.data import make_data
from autoscore.densities.registry import make_density
from autoscore.grids import noise_levels
from autoscore.models.conditioned.training import train as train_conditioned
from autoscore.models.ensemble.training import train_on_samples
from autoscore.randomness import generator
from autoscore.rulers import Ruler, sampled_rulers
from autoscore.stack import Stack
from benchmarks.timing import clock

CONFIG = Path(__file__).parents[1] / "config" / "config.yaml"
MEASURED = 2000  # held-out points at which errors are measured
STEPS_A_CHECK = 150  # held-out losses are looked at as often as in the configured schedules
TRAINERS = {"ensemble": train_on_samples, "conditioned": train_conditioned}
SCHEDULES = {"ensemble": "samples", "conditioned": "conditioned"}


class Spiral:
    """Its settings, its data and its exact posterior mean."""

    def __init__(self) -> None:
        config = complete(yaml.safe_load(CONFIG.read_text(encoding="utf-8")))
        entry = config["densities"]["spiral"]
        self.settings = entry["train"]
        self.sigmas = noise_levels(self.settings["sigmas"])
        self.data = make_data(config["seed"], "spiral", entry)
        self._density = make_density(entry)
        self.ruler = cache(self._ruler)

    @cached_property
    def scale(self) -> tuple[np.ndarray, float]:
        """The first seed's mean, shape ``(d,)``, and spread."""
        points = self.data["train"][0]
        return points.mean(0), float(points.std(0).mean())

    def _ruler(self, sigma: float) -> Ruler:
        held_out = self.data["held_out"][:MEASURED]
        return sampled_rulers(self._density, "dae", sigma, held_out, generator(0, "benchmark"))[0]

    def error(self, reconstruction: np.ndarray, sigma: float) -> float:
        """Return E|r - r*|^2 / E|r* - x|^2 at `ruler(sigma).x`, r* the exact posterior mean."""
        ruler = self.ruler(sigma)
        return ruler.error((reconstruction - ruler.x) / sigma**2)

    def errors(self, stack: Stack, sigmas: np.ndarray) -> np.ndarray:
        """Return the error of a stack's first seed at these noise levels."""
        size = self.settings["sizes"][0]
        return np.array(
            [
                self.error(stack.field(sigma, 0, size)(self.ruler(sigma).x), sigma)
                for sigma in sigmas
            ]
        )

    def train(self, kind: str, seed: int, change: dict, **schedule: float) -> tuple[Stack, float]:
        """Return one seed trained by the library, and the seconds that it took.

        Parameters
        ----------
        kind
            ``"ensemble"`` or ``"conditioned"``.
        seed
            Which of the data sets; it becomes the stack's only seed, 0.
        change
            Put over the configured settings.
        **schedule
            Put over the configured schedule.
        """
        settings = merge(self.settings, change | {"seeds": 1})
        plan = settings["schedules"][SCHEDULES[kind]]
        plan |= schedule
        plan["checks"] = max(1, plan["steps"] // STEPS_A_CHECK)
        data = self.data | {"train": self.data["train"][seed : seed + 1]}
        start = clock()
        stack, _ = TRAINERS[kind](data, settings, "dae", (seed, "spiral", "dae", kind))
        return stack, clock() - start
