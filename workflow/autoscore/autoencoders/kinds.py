"""The kinds of auto-encoder by name, and reading any of them from a file."""

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import safe_open

from autoscore.autoencoders.conditioned import Conditioned
from autoscore.autoencoders.corrected import Corrected
from autoscore.autoencoders.ensemble import Ensemble
from autoscore.storage import reading

KINDS = {"sigmas": Ensemble, "thickness": Conditioned, "variances": Corrected}  # by what they know


def load_stack(path: str | Path) -> Ensemble | Conditioned | Corrected:
    """Read a stack of any kind that `Stack.save` wrote; errors are those of `Stack.load`."""
    with reading(path), safe_open(path, framework="pt") as file:
        described = json.loads(file.metadata()["description"])
        kind = next(kind for known, kind in KINDS.items() if known in described)
    return kind.load(path)


def load_stacks(
    trainings: Iterable[tuple[str, str, str]],
    paths: Iterable[str],
    device: torch.device | str = "cpu",
) -> dict[tuple[str, str, str], Ensemble | Conditioned]:
    """Read a stack for each (objective, model, source), to a device."""
    pairs = zip(trainings, paths, strict=True)
    return {tuple(training): load_stack(path).to(device) for training, path in pairs}
