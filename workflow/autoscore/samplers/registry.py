"""All samplers by name."""

from collections.abc import Iterable, Iterator
from types import ModuleType

from autoscore.declarations import collect, modules_of
from autoscore.samplers.declaration import Sampler


def _mistakes(module: ModuleType, name: str, sampler: Sampler) -> Iterator[str]:
    if (sampler.make is None) == (sampler.descend is None):
        yield f"sampler {name!r} needs either make or descend"


def registered(modules: Iterable[ModuleType]) -> dict[str, Sampler]:
    """Return the samplers that modules declare; raise DeclarationError for wrong ones."""
    return collect(modules, lambda module: getattr(module, "SAMPLERS", {}), _mistakes)


SAMPLERS = registered(modules_of(__name__, __file__))


def add_to_schema(plan: dict) -> None:
    """Put the samplers, in place, into the schema of a plan of chains."""
    listed = "; ".join(f"{name}: {sampler.about}" for name, sampler in SAMPLERS.items())
    plan["properties"]["samplers"]["description"] += f" {listed}."
    plan["properties"]["samplers"]["items"] = {"enum": list(SAMPLERS)}
