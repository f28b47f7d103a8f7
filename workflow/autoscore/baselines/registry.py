"""All baselines by name."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType

from autoscore.baselines.declaration import Baseline


class DeclarationError(ValueError):
    """A baseline that declares what cannot be; the message names its module and the remedy."""


def declared(modules: Iterable[ModuleType]) -> dict[str, Baseline]:
    """Return the baselines that modules declare, by name.

    Raises
    ------
    DeclarationError
        If two have one name, or one has neither a score nor a reconstruction.
    """
    found: dict[str, Baseline] = {}
    for module in modules:
        baseline = getattr(module, "BASELINE", None)
        if baseline is None:
            continue
        if baseline.name in found:
            raise DeclarationError(
                f"{module.__name__}: baseline {baseline.name!r} is declared twice: rename one"
            )
        if baseline.score is None and (baseline.chosen or baseline.field is None):
            raise DeclarationError(f"{module.__name__}: it needs a score, or a field and no choice")
        found[baseline.name] = baseline
    return found


def _modules() -> list[ModuleType]:
    names = sorted(file.stem for file in Path(__file__).parent.glob("*.py"))
    others = ("__init__", "declaration", "registry")
    return [import_module(f"autoscore.baselines.{name}") for name in names if name not in others]


BASELINES = declared(_modules())


def add_to_schema(density: dict) -> None:
    """Put the baselines, in place, into the schema of a density's entry."""
    chosen = [name for name, baseline in BASELINES.items() if baseline.chosen]
    told = "; ".join(f"{name}: {BASELINES[name].about}" for name in chosen)
    density["properties"]["baselines"]["description"] += f" {told}."
    density["properties"]["baselines"]["items"] = {"enum": chosen}
