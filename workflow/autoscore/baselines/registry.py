"""All baselines by name."""

from collections.abc import Iterable, Iterator
from types import ModuleType

from autoscore.baselines.declaration import Baseline
from autoscore.declarations import collect, modules_of, one


def _mistakes(module: ModuleType, name: str, baseline: Baseline) -> Iterator[str]:
    if baseline.score is None and baseline.field is None:
        yield "it needs a score or a field"
    if baseline.null and baseline.field is None:
        yield "a null model needs a field"
    if baseline.null and baseline.selectable:
        yield "a null model is always measured: it cannot be selectable"


def declared(modules: Iterable[ModuleType]) -> dict[str, Baseline]:
    """Return the baselines that modules declare, by name; raise DeclarationError for wrong ones."""
    return collect(modules, one("BASELINE"), _mistakes)


BASELINES = declared(modules_of(__name__, __file__))


def add_to_schema(density: dict) -> None:
    """Put the baselines, in place, into the schema of a density's entry."""
    chosen = [name for name, baseline in BASELINES.items() if baseline.selectable]
    abouts = "; ".join(f"{name}: {BASELINES[name].about}" for name in chosen)
    density["properties"]["baselines"]["description"] += f" {abouts}."
    density["properties"]["baselines"]["items"] = {"enum": chosen}
