"""Auto-encoders trained together against the same ones trained one after another."""

import numpy as np
import torch

from autoscore.autoencoders.ensemble import Architecture, Ensemble
from autoscore.batches import quadrature_batch
from autoscore.densities.mixtures import GaussianMixture
from autoscore.training import Schedule, fit
from benchmarks.timing import interleaved, line

LEVELS = 16
SCHEDULE = Schedule(steps=100, learning_rate=0.01)


def run() -> None:
    """Print the time of both ways for both objectives; the results are the same."""
    torch.set_num_threads(1)
    density = GaussianMixture(
        [0.3, 0.4, 0.3], [[-1.5], [0.0], [1.2]], [[[0.09]], [[0.04]], [[0.16]]]
    )
    sigmas = np.geomspace(0.01, 1.0, LEVELS)
    print(f"{LEVELS} auto-encoders of 32 tanh units, {SCHEDULE.steps} Adam steps on 256 nodes")
    for objective in ("dae", "rcae"):
        tasks = {
            "together": lambda objective=objective: _train(density, objective, sigmas),
            "one after another": lambda objective=objective: [
                _train(density, objective, sigmas[k : k + 1]) for k in range(LEVELS)
            ],
        }
        seconds = interleaved(tasks, rounds=3)
        for name, values in seconds.items():
            print(line(f"{objective}, {name}", values, seconds["together"]))


def _train(density: GaussianMixture, objective: str, sigmas: np.ndarray) -> None:
    m = len(sigmas)
    batch = quadrature_batch(density, objective, sigmas, 256)
    members = (sigmas.tolist(), [0] * m, [np.inf] * m, [[0.0]] * m, [1.0] * m)
    ensemble = Ensemble(1, Architecture((32,)), *members)
    ensemble.initialise(batch.inputs, [np.random.default_rng(0) for _ in sigmas])
    fit(ensemble, objective, batch, SCHEDULE)
