"""The paper's spiral as configured, to time ways to learn it at equal error."""

from functools import cache, cached_property
from pathlib import Path

import numpy as np
import yaml

from autoscore.configuration import complete, merge
from autoscore.data import draw_data
from autoscore.densities.registry import make_density
from autoscore.models.conditioned.training import train as train_conditioned
from autoscore.models.separate.training import train_on_samples
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator
from autoscore.score.references import Reference, sampled_references
from autoscore.train.stack import Stack
from benchmarks.timing import clock

CONFIG = Path(__file__).parents[1] / "config" / "config.yaml"
MEASURED = 2000  # held-out points for the errors
STEPS_A_CHECK = 150  # validations as often as in the configured schedules
ADAM = {  # separate auto-encoders by gradients, for comparisons of optimisers
    "optimiser": "adam",
    "architecture": {"hidden": [64, 64, 64], "residual": "sigma", "gain": 10.0},
    "schedules": {"samples": {"steps": 3000, "learning_rate": 0.008, "batch": 256}},
}
TRAINERS = {"separate": train_on_samples, "conditioned": train_conditioned}
SCHEDULES = {"separate": "samples", "conditioned": "conditioned"}


class Spiral:
    """Its settings, its data and its exact posterior mean."""

    def __init__(self) -> None:
        config = complete(yaml.safe_load(CONFIG.read_text(encoding="utf-8")))
        entry = config["densities"]["spiral"]
        self.configured = entry["train"]
        self.settings = merge(self.configured, ADAM)
        self.sigmas = noise_levels(self.settings["sigmas"])
        self.data = draw_data(config["seed"], "spiral", entry)
        self._density = make_density(entry)
        self.reference = cache(self._reference)

    @cached_property
    def scale(self) -> tuple[np.ndarray, float]:
        """The first seed's mean, shape ``(d,)``, and spread."""
        points = self.data["train"][0]
        return points.mean(0), float(points.std(0).mean())

    def _reference(self, sigma: float) -> Reference:
        held_out = self.data["held_out"][:MEASURED]
        return sampled_references(self._density, sigma, held_out, generator(0, "benchmark"))[0]

    def error(self, reconstruction: np.ndarray, sigma: float) -> float:
        """Return E|r - r*|^2 / E|r* - x|^2 at `reference(sigma).x`, r* the exact posterior mean."""
        reference = self.reference(sigma)
        return reference.error((reconstruction - reference.x) / sigma**2)

    def errors(self, stack: Stack, sigmas: np.ndarray) -> np.ndarray:
        """Return the error of a stack's first seed at these noise levels."""
        size = self.settings["sizes"][0]
        return np.array(
            [
                self.error(stack.field(sigma, 0, size)(self.reference(sigma).x), sigma)
                for sigma in sigmas
            ]
        )

    def train(self, kind: str, seed: int, change: dict, **schedule: float) -> tuple[Stack, float]:
        """Return one seed trained by the library, and the seconds taken.

        Parameters
        ----------
        kind
            ``"separate"`` or ``"conditioned"``.
        seed
            Which of the data sets; it becomes the stack's only seed, 0.
        change
            Overrides the configured settings.
        **schedule
            Overrides the configured schedule.
        """
        settings = merge(self.settings, change | {"seeds": 1})
        plan = settings["schedules"][SCHEDULES[kind]]
        plan |= schedule
        plan["checks"] = max(1, plan["steps"] // STEPS_A_CHECK)
        data = self.data | {"train": self.data["train"][seed : seed + 1]}
        start = clock()
        stack, _ = TRAINERS[kind](data, settings, "dae", (seed, "spiral", "dae", kind))
        return stack, clock() - start
