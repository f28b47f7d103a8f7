"""The metric of a claim: numbers from the rows of a table that it asks for."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

EACH = ("sigma",)  # the columns that tell groups of rows apart, if the claim names none


def chosen(table: pd.DataFrame, claim: dict) -> pd.DataFrame:
    """Return the rows that a claim asks for, at least one, with the judged ``value``.

    There is a column ``seed`` if the rows have seeds, and ``standard_error`` if the claim names
    one. Raises ValueError if a column or all rows are missing, a number is not finite, or only some
    rows have a seed.
    """
    rows = table.copy()  # in one block, however many columns there are
    for column, wanted in claim["where"].items():
        rows = rows[_matches(_column(rows, column), wanted)]
    if rows.empty:
        raise ValueError(f"it has no rows with {asked_in_words(claim['where'])}")
    rows = rows.assign(value=pd.to_numeric(_column(rows, claim["column"])).astype(float))
    if "standard_error" in claim:
        rows["standard_error"] = _column(rows, claim["standard_error"])
    else:
        rows = rows.drop(columns="standard_error", errors="ignore")
    if "seed" in rows and rows["seed"].isna().all():
        rows = rows.drop(columns="seed")
    if "seed" in rows and rows["seed"].isna().any():
        raise ValueError("some of its rows have a seed and some have none")
    if "order_in" in claim:
        rows = pd.DataFrame(_orders(rows, claim["order_in"]))
    numbers = rows[[name for name in ("value", "standard_error") if name in rows]]
    if not np.isfinite(numbers).all(axis=None):
        raise ValueError(f"not every {claim['column']} there is finite")
    return rows


def asked_in_words(where: dict) -> str:
    """Return in words which rows a claim asks for."""
    return ", ".join(f"{column} {_wanted_in_words(wanted)}" for column, wanted in where.items())


def _wanted_in_words(wanted: object) -> str:
    if isinstance(wanted, dict):
        return " ".join(f"{word} {wanted[word]}" for word in ("from", "to") if word in wanted)
    return " or ".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted)


def _column(rows: pd.DataFrame, name: str) -> pd.Series:
    if name not in rows:
        raise ValueError(f"it has no column {name}; it has {', '.join(map(str, rows.columns))}")
    return rows[name]


def _matches(column: pd.Series, wanted: object) -> pd.Series:
    if isinstance(wanted, dict):
        return column.between(wanted.get("from", -np.inf), wanted.get("to", np.inf))
    return column.isin(wanted) if isinstance(wanted, list) else column == wanted


def _orders(rows: pd.DataFrame, column: str) -> Iterator[dict]:
    """Yield the exponent k of |value| ~ column^k by least squares, for each seed."""
    for seed, part in rows.groupby("seed") if "seed" in rows else [(None, rows)]:
        if _column(part, column).nunique() < len(part) or len(part) < 2:
            raise ValueError(f"an order needs two rows and more, each with its own {column}")
        with np.errstate(divide="ignore"):
            logarithms = np.log(np.abs(part["value"]))
        finite = np.isfinite(logarithms).all()
        slope = np.polyfit(np.log(part[column]), logarithms, 1)[0] if finite else np.nan
        yield {"value": slope} | ({} if seed is None else {"seed": seed})


def along(rows: pd.DataFrame, claim: dict) -> pd.DataFrame:
    """Return the values of `chosen` as a table: a row per group, a column per seed.

    Exact numbers have one column. Raises ValueError if two rows have the same place, or a group has
    fewer seeds than the claim needs.
    """
    each = [] if "order_in" in claim else list(claim.get("each", EACH))
    for column in each:
        if _column(rows, column).isna().any():
            raise ValueError(f"some of its rows have no {column}")
    exact = "seed" not in rows
    rows = rows.assign(seed=-1.0 if exact else rows["seed"], all=0)
    if rows.duplicated([*each, "seed"]).any():
        raise ValueError(
            f"several rows have the same {' and '.join([*each, 'seed'])}: "
            "say under where or each what tells them apart"
        )
    values = rows.pivot_table(index=each or "all", columns="seed", values="value")
    fewest = int(values.count(axis=1).min())
    if not exact and fewest < claim["seeds"]:
        raise ValueError(f"{fewest} seed{'s' * (fewest != 1)}; the claim needs {claim['seeds']}")
    return values
