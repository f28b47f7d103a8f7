"""What a run has made, in lines for its end."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import mean


def verdicts(table: str, project: str | Path) -> Iterator[str]:
    """Yield how many statements have which verdict, if any, and the folder of the figures.

    Paths are relative to the project's folder, or absolute in a run elsewhere.
    """
    here = Path() if Path.cwd() == Path(project) else Path.cwd()
    if Path(table).is_file():
        found = Counter(row["verdict"] for row in _rows(table))
        counts = ", ".join(f"{count} {verdict}" for verdict, count in found.most_common())
        yield f"Statements: {counts} (see {(here / table).with_name('verdicts.md')})"
    if count := len(list(Path("figures").rglob("*.pdf"))):
        yield f"Figures: {count} in {here / 'figures'}"


def images(provenance: str) -> Iterator[str]:
    """Yield which images were used, and why, if there are any."""
    if Path(provenance).is_file():
        row = _rows(provenance)[0]
        yield f"Images: {row['name']} from {row['source']} ({row['reason']})"


def held_out(densities: Iterable[str]) -> Iterator[str]:
    """Yield the mean loss of each model and baseline on the held-out points of sample files."""
    for name in densities:
        table = Path(f"results/score/{name}_held_out.csv")
        if not table.is_file():
            continue
        losses: dict[str, list[float]] = {}
        for row in _rows(table):
            losses.setdefault(row["model"], []).append(float(row["denoising_loss"]))
        means = ", ".join(f"{model} {mean(values):.3f}" for model, values in losses.items())
        yield f"Held-out loss of {name}, mean over noise levels, lower is better: {means}"


def _rows(table: str | Path) -> list[dict[str, str]]:
    with Path(table).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
