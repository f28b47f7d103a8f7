"""Rows of the report's tables: what was measured at a place, and what it should be."""

from collections.abc import Iterable, Mapping, Sequence

from autoscore.verify.judging import NULLS
from autoscore.verify.requirements import is_compared, should_be

PASSING = "Null models that pass in this run"
NULL_NAMES = dict(zip(NULLS, ("Identity", "Untrained", "Gaussian", "Kernel density"), strict=True))
# an interval stands beside what it is of: the number itself, or a difference
NUMBERS = ("Measured", "Measured [95 %]", "Should be", "Difference [95 %]", *NULL_NAMES.values())
NEAREST = ("Density", "Place", *NUMBERS, "Counts as")
ALL = ("Place", *NUMBERS[:4], PASSING, "On record", "Counts as")


def table(checks: Iterable[tuple[Mapping, Mapping]], columns: Sequence[str]) -> dict:
    """Return a table of places, each with its check: those columns that any place fills."""
    rows = [cells(*one) for one in checks]
    return {"head": [name for name in columns if any(row[name] for row in rows)], "rows": rows}


def cells(check: Mapping, row: Mapping[str, str]) -> dict:
    """Return all columns of a place, "" where there is nothing to say, its subject and record."""
    found = dict.fromkeys(dict.fromkeys([*NEAREST, *ALL]), "")
    found |= {"subject": check["subject"], "differs": row["differs"] == "True"}
    found["by_record"] = row["counts"] == "unclear" != row["outcome"]
    found |= {"Density": check["subject"].replace("_", " "), "Place": row["place"]}
    found |= {PASSING: row["passed_by"], "On record": row["expected"]}
    found["Counts as"] = row["counts"] or row["reason"]
    if row["margin"]:
        found |= _judged(check["check"], row)
        found |= {words: short(row[name]) for name, words in NULL_NAMES.items()}
    return found


def _judged(check: Mapping, row: Mapping[str, str]) -> dict[str, str]:
    """Return what is measured and required; differences are the value minus its reference."""
    value, required = short(row["value"]), should_be(check, row["against"])
    low, high = float(row["low"]), float(row["high"])
    if not is_compared(check):
        return {"Measured [95 %]": value + _interval(low, high), "Should be": required}
    if "decreasing" in check:  # judged by what is lost at a step
        low, high = -high, -low
    difference = short((low + high) / 2) + _interval(low, high)
    return {"Measured": value, "Should be": required, "Difference [95 %]": difference}


def _interval(low: float, high: float) -> str:
    return f" [{short(low)}, {short(high)}]" if low < high else ""


def short(number: str | float) -> str:
    """Return a number with three digits, "" for none."""
    return "" if number == "" else f"{float(number):.3g}"
