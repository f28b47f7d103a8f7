"""The two kinds of auto-encoder by name, and reading either from a file."""

import json
from collections.abc import Iterable
from pathlib import Path

from safetensors import safe_open

from autoscore.autoencoders.conditioned import Conditioned
from autoscore.autoencoders.ensemble import Ensemble

KINDS = {"ensemble": Ensemble, "conditioned": Conditioned}


def load_stack(path: str | Path) -> Ensemble | Conditioned:
    """Read a stack of either kind that `Stack.save` wrote."""
    with safe_open(path, framework="pt") as file:
        described = json.loads(file.metadata()["description"])
    return KINDS["ensemble" if "sigmas" in described else "conditioned"].load(path)


def load_stacks(
    trainings: Iterable[tuple[str, str, str]], paths: Iterable[str]
) -> dict[tuple[str, str, str], Ensemble | Conditioned]:
    """Read a stack for each (objective, model, source)."""
    pairs = zip(trainings, paths, strict=True)
    return {tuple(training): load_stack(path) for training, path in pairs}
