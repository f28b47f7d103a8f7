"""The table of all benchmarks, docs/benchmarks.csv, with the machine of each."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from autoscore.files.records import machine, versions
from autoscore.files.storage import write_atomically
from benchmarks.rows import Row

FOLDER = Path(__file__).parents[1] / "docs"
COLUMNS = ["benchmark", *(field.name for field in fields(Row))]
PEERS = ("blackjax", "jax", "torchebm")


def measured(run: Callable[[], Iterator[Row]]) -> tuple[list[Row], dict]:
    """Return all rows of a benchmark, printing each, and facts about the machine."""
    began, rows = time.monotonic(), []
    for row in run():
        print(row, flush=True)
        rows.append(row)
    seconds = round(time.monotonic() - began)
    return rows, {"seconds": seconds, "machine": machine(), "versions": versions() | _others()}


def _others() -> dict[str, str]:
    found = {}
    for name in PEERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write(name: str, rows: list[Row], facts: dict, folder: Path = FOLDER) -> None:
    """Replace a benchmark's rows and facts in a folder's table."""
    table, about = folder / "benchmarks.csv", folder / "benchmarks.json"
    found = pd.DataFrame([{"benchmark": name} | asdict(row) for row in rows], columns=COLUMNS)
    known = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
    if table.is_file():
        before = pd.read_csv(table)
        found = pd.concat([before[before["benchmark"] != name], found])
    found = found.sort_values("benchmark", kind="stable")
    text = found.to_csv(index=False, float_format="%.5g", lineterminator="\n")
    write_atomically(table, lambda file: file.write_text(text, encoding="utf-8"))
    text = json.dumps(dict(sorted((known | {name: facts}).items())), indent=2) + "\n"
    write_atomically(about, lambda file: file.write_text(text, encoding="utf-8"))
