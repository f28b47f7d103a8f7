"""Finding what the modules of a folder declare: kinds of density, models, samplers, figures, ..."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

SHARED = ("__init__", "declaration", "registry")  # modules of every such folder, without any


class DeclarationError(ValueError):
    """A wrong declaration; the message names its module and the remedy."""


def modules_of(registry: str, file: str) -> list[ModuleType]:
    """Return the modules and folders beside a registry, given its ``__name__`` and ``__file__``."""
    package, _, _ = registry.rpartition(".")
    places = sorted(Path(file).parent.glob("*"))
    names = [place.stem for place in places if place.suffix == ".py" and place.stem not in SHARED]
    names += [place.name for place in places if (place / "__init__.py").is_file()]
    return [import_module(f"{package}.{name}") for name in names]


def collect(
    modules: Iterable[ModuleType],
    read: Callable[[ModuleType], Mapping[str, Any]],
    mistakes: Callable[[ModuleType, str, Any], Iterator[str]],
) -> dict[str, Any]:
    """Return everything that modules declare, by name.

    `read` returns a module's declarations by name, `mistakes` yields what is wrong with one and the
    remedy. Raises DeclarationError for a mistake, or a name that is given twice.
    """
    found: dict[str, Any] = {}
    homes: dict[str, str] = {}
    for module in modules:
        for name, declaration in read(module).items():
            if name in found:
                raise DeclarationError(
                    f"{module.__name__}: {name!r} is declared in {homes[name]}, too: rename one"
                )
            for mistake in mistakes(module, name, declaration):
                raise DeclarationError(f"{module.__name__}: {mistake}")
            found[name], homes[name] = declaration, module.__name__
    return found


def one(attribute: str) -> Callable[[ModuleType], dict[str, Any]]:
    """Return a reader of a module's single declaration, called as itself or as the module."""

    def read(module: ModuleType) -> dict[str, Any]:
        if not hasattr(module, attribute):
            return {}
        declaration = getattr(module, attribute)
        return {getattr(declaration, "name", module.__name__.rpartition(".")[2]): declaration}

    return read
