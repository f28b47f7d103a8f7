"""All model kinds by name, and reading a model of any kind from a file."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from autoscore.declarations import collect, modules_of, one
from autoscore.models.declaration import Model

if TYPE_CHECKING:
    from autoscore.train.stack import Stack

Learned = dict[tuple[str, str, str], "Stack"]  # by objective, model and source


def _mistakes(module: ModuleType, name: str, model: Model) -> Iterator[str]:
    if model.training and model.cost is None:
        yield "it is trained on densities: declare cost, for the demands of a job"
    for source in model.training:
        if source not in model.uses or source not in model.schedules:
            yield f"trained on {source}, it needs uses and schedules for that"


def declared(modules: Iterable[ModuleType]) -> dict[str, Model]:
    """Return the kinds that modules declare, by name; wrong ones raise DeclarationError."""
    return collect(modules, one("MODEL"), _mistakes)


MODELS = declared(modules_of(__name__, __file__))


def load_stack(path: str | Path) -> "Stack":
    """Read a stack of any kind that `Stack.save` wrote; see `Stack.load`."""
    from safetensors import safe_open

    from autoscore.files.storage import reading

    with reading(path), safe_open(path, framework="pt") as file:
        kind = json.loads(file.metadata()["description"])["kind"]
        model = MODELS[kind]
    return model.load().load(path)


def load_stacks(
    trainings: Iterable[tuple[str, str, str]], paths: Iterable[str], device: object = "cpu"
) -> Learned:
    """Read a stack for each (objective, model, source), to a device."""
    pairs = zip(trainings, paths, strict=True)
    return {tuple(training): load_stack(path).to(device) for training, path in pairs}


def add_to_schema(schema: dict) -> None:
    """Add the kinds, in place, to the schemas of variants and of image models."""
    trained = {
        "variant": [name for name, model in MODELS.items() if model.training],
        "image_model": [name for name, model in MODELS.items() if model.image_settings],
    }
    for part, names in trained.items():
        kind = schema["$defs"][part]["properties"]["kind"]
        kind["enum"] = names
        kind["description"] += f" {'; '.join(f'{name}: {MODELS[name].about}' for name in names)}."
