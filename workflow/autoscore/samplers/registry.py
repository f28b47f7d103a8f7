"""All samplers by name."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType

from autoscore.samplers.registration import Sampler


class RegistrationError(ValueError):
    """A sampler that cannot be registered; the message names its module and the remedy."""


def registered(modules: Iterable[ModuleType]) -> dict[str, Sampler]:
    """Return the samplers that modules register, by name.

    Raises
    ------
    RegistrationError
        If a name is given twice, or a sampler has neither a kernel nor a way down the noise grid,
        or both.
    """
    found: dict[str, Sampler] = {}
    for module in modules:
        for name, sampler in getattr(module, "SAMPLERS", {}).items():
            if name in found:
                raise RegistrationError(
                    f"{module.__name__}: sampler {name!r} is registered twice: rename one"
                )
            if (sampler.make is None) == (sampler.descend is None):
                raise RegistrationError(
                    f"{module.__name__}: sampler {name!r} needs either make or descend"
                )
            found[name] = sampler
    return found


def _modules() -> list[ModuleType]:
    names = sorted(file.stem for file in Path(__file__).parent.glob("*.py"))
    others = ("__init__", "registry")
    return [import_module(f"autoscore.samplers.{name}") for name in names if name not in others]


SAMPLERS = registered(_modules())


def add_to_schema(plan: dict) -> None:
    """Put the samplers, in place, into the schema of a plan of chains."""
    told = "; ".join(f"{name}: {sampler.about}" for name, sampler in SAMPLERS.items())
    plan["properties"]["samplers"]["description"] += f" {told}."
    plan["properties"]["samplers"]["items"] = {"enum": list(SAMPLERS)}
