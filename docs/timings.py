"""The benchmarks' table in readable form, from docs/benchmarks.csv and what it was measured on."""

import json
from pathlib import Path

import pandas as pd

from docs.parts import table

TABLE, ABOUT = Path("docs/benchmarks.csv"), Path("docs/benchmarks.json")
FACTS = ("torch", "numpy", "scipy", "blackjax", "jax", "torchebm")  # of which versions are told


def benchmark_tables(root: Path) -> str | None:
    """Return a table a case: a line a size, a column each of those who were measured.

    Returns
    -------
    str or None
        None if there is no table of benchmarks below the project's folder.
    """
    found = read_benchmarks(root)
    if found is None:
        return None
    rows, about = found
    lines = [*_machines(about), ""]
    for benchmark, part in rows.groupby("benchmark", sort=False):
        lines += [f"### {benchmark}", ""]
        for case, of_case in part.groupby("case", sort=False):
            lines += [*_case(str(case), of_case), ""]
    return "\n".join(lines)


def read_benchmarks(root: Path) -> tuple[pd.DataFrame, dict] | None:
    """Return the table of all benchmarks and what they were measured on, if there is one."""
    if not (root / TABLE).is_file():
        return None
    rows = pd.read_csv(root / TABLE)
    words = ["varied", "unit", "over"]
    rows[words] = rows[words].fillna("")  # an empty text, not a missing number
    return rows, json.loads((root / ABOUT).read_text(encoding="utf-8"))


def _machines(about: dict) -> list[str]:
    """Return a line for each machine and set of versions, with the benchmarks run on it."""
    found: dict[str, list[str]] = {}
    for name, facts in about.items():
        machine, known = facts["machine"], facts["versions"]
        memory = f"{machine['memory_gib']:.0f} GiB" if machine["memory_gib"] else "unknown memory"
        versions = ", ".join(f"{key} {known[key]}" for key in ("python", *FACTS) if key in known)
        place = f"{machine['processor']}, {machine['cores']} cores, {memory}; {versions}"
        found.setdefault(place, []).append(f"{name} ({facts['seconds']:,} s)")
    return [f"- {', '.join(names)}: on {place}" for place, names in found.items()]


def _case(case: str, rows: pd.DataFrame) -> list[str]:
    """Return the heading and the table of one case."""
    units = [unit for unit in rows["unit"].unique() if unit]
    heading = f"**{case}**" + (f" (time for {', '.join(units)})" if units else "")
    who = list(dict.fromkeys(rows["who"]))
    lines = []
    for (varied, size), part in rows.groupby(["varied", "size"], sort=False, dropna=False):
        cells: dict[str, list[str]] = {name: [] for name in who}
        for row in part.itertuples():  # more than one where a peer is held against two of ours
            cells[row.who] += [text for text in parts(row) if text not in cells[row.who]]
        title = f"{varied} {size:,.6g}" if varied else ""
        lines.append([title, *("; ".join(cells[name]) for name in who)])
    return [heading, "", *table(["", *who], lines)]


def parts(row: tuple) -> list[str]:
    """Return time, ratio with its range, memory and error of one row: what there is of them."""
    found = []
    if pd.notna(row.seconds):
        found.append(f"{_short(row.seconds)} s")
    if pd.notna(row.ratio) and row.who != row.over:
        over = "" if row.over in ("ours", "step") else f" {row.over}"
        spread = f" [{_short(row.low)}, {_short(row.high)}]" if row.low < row.high else ""
        found.append(f"{_short(row.ratio)} x{over}{spread}")
    elif pd.isna(row.ratio) and row.over:
        found.append(row.over)
    if pd.notna(row.memory):
        found.append(f"{row.memory:,.0f} MiB")
    if pd.notna(row.error):
        found.append(f"error {row.error:.2g}")
    return found


def _short(value: float) -> str:
    """Return a number with two or three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
