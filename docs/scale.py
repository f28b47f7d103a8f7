"""What ten and a thousand times more would take, from the benchmarks' table."""

from pathlib import Path

import numpy as np
import pandas as pd

from docs.parts import table
from docs.timings import read_benchmarks

TIMES = {"training, separate": 1000, "training, conditioned": 1000}  # steps that the times cover
KEPT = "chains that are kept"


def scale_tables(root: Path) -> str | None:
    """Return what each size means at once, ten times and a thousand times, and the largest runs.

    Returns
    -------
    str or None
        None if there is no table of benchmarks below the project's folder.
    """
    found = read_benchmarks(root)
    if found is None or "scaling" not in found[1]:
        return None
    rows, about = found
    limit = 1024 * about["scaling"]["machine"]["memory_gib"]
    head = ["", "size", "time", "grows as", "10 x", "1000 x", "memory", "10 x asks", "1000 x asks"]
    grown = [line for case in (*TIMES, KEPT) for line in _growth(rows, case, limit)]
    return "\n".join([*table(head, grown), "", _fit(rows), "", *_largest(rows)])


def _growth(rows: pd.DataFrame, case: str, limit: float) -> list[list[str]]:
    """Return a line for each size that is varied in a case."""
    lines = []
    for varied, part in rows[rows["case"] == case].groupby("varied", sort=False):
        ours = part[part["who"] == "ours"].sort_values("size")
        asked = part[part["who"] == "demands"].set_index("size")["memory"]
        base = asked.index.max() / 1000  # the largest of these
        memory = ours.loc[ours["size"] == base, "memory"].dropna()
        found = [f"{memory.iloc[0]:,.0f} MiB" if len(memory) else ""]
        found += [_size(asked[factor * base], limit) for factor in (10, 1000)]
        lines.append([f"{case}: {varied}", f"{base:,.0f}", *_times(ours, base, case), *found])
    return lines


def _times(ours: pd.DataFrame, base: float, case: str) -> list[str]:
    """Return the time at the base, its power of the size, and what that makes of 10 x and 1000 x.

    The power is fitted to what was measured from the base on: smaller ones are mostly overhead.
    """
    known = ours[ours["seconds"].notna()]
    if case not in TIMES or not len(known):
        return [""] * 4
    steps = int(known["unit"].iloc[0].split()[0])
    at_base = known.loc[known["size"] == base, "seconds"]
    above = known[known["size"] >= base]
    if not len(at_base) or len(above) < 2:
        return [""] * 4
    power = max(0.0, np.polyfit(np.log(above["size"]), np.log(above["seconds"]), 1)[0])
    start = float(at_base.iloc[0]) * TIMES[case] / steps
    return [_time(start), f"size^{power:.1f}", *(_time(start * f**power) for f in (10, 1000))]


def _fit(rows: pd.DataFrame) -> str:
    """Return one sentence on how the memory that is asked for compares with what was measured."""
    memory = rows[rows["memory"].notna() & (rows["benchmark"] != "largest")]
    both = memory.pivot_table(index=["case", "varied", "size"], columns="who", values="memory")
    both = both.reindex(columns=["ours", "demands"]).dropna()
    both = both[both["ours"] > 20]  # smaller ones are lost among what the libraries take
    ratio = both["demands"] / both["ours"]
    trained = ratio.index.get_level_values("case").str.startswith("training")
    said = [
        f"{what} {part.median():.1f} times [{part.min():.1f}, {part.max():.1f}] ({len(part)} sizes)"
        for what, part in (("training", ratio[trained]), ("chains", ratio[~trained]))
        if len(part)
    ]
    return f"Memory asked for over memory measured: {', '.join(said)}."


def _largest(rows: pd.DataFrame) -> list[str]:
    """Return the largest runs that were tried, with peak memory and what would be asked for."""
    lines = []
    part = rows[rows["benchmark"] == "largest"]
    for (case, varied, size), of_case in part.groupby(["case", "varied", "size"], sort=False):
        by = of_case.set_index("who")
        asked = by["memory"].get("demands", np.nan)
        row = by.loc["ours"]
        known = [_size(row["memory"], np.inf), _size(asked, np.inf) if asked > 0 else ""]
        took = [f"{row['seconds']:.0f} s", row["unit"]]
        lines.append([case, f"{size:,.0f} {varied}", *took, *known])
    head = ["largest runs tried", "", "time", "for", "peak memory", "asked for"]
    return table(head, lines) if lines else []


def _size(mebibytes: float, limit: float) -> str:
    """Return a size of memory, in bold where it is beyond the limit."""
    text = f"{mebibytes:,.0f} MiB" if mebibytes < 10_240 else f"{mebibytes / 1024:,.0f} GiB"
    return f"**{text}**" if mebibytes > limit else text


def _time(seconds: float) -> str:
    """Return a time with two digits, in the unit that suits it."""
    units = {"y": 31_557_600.0, "d": 86_400.0, "h": 3600.0, "min": 60.0, "s": 1.0}
    unit = next((unit for unit, length in units.items() if seconds >= 2 * length), "s")
    return f"{float(f'{seconds / units[unit]:.2g}'):,.6g} {unit}"
