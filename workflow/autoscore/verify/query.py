"""The metric of a claim: numbers from the rows of a table that it asks for."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

EACH = ("sigma",)  # what tells groups of rows apart, if the claim does not say


def chosen(table: pd.DataFrame, claim: dict) -> pd.DataFrame:
    """Return the rows that a claim asks for, with what is judged in the column ``value``.

    Parameters
    ----------
    table
        A table of results.
    claim
        Its ``where``, ``column``, ``order_in``, ``standard_error`` and ``seeds`` are used.

    Returns
    -------
    pandas.DataFrame
        At least one row. There is a column ``seed`` if the rows have seeds, and
        ``standard_error`` if the claim names one.

    Raises
    ------
    ValueError
        If a column or all rows are missing, a number is not finite, or some rows have seeds and
        some have none.
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
    rows = _seeded(rows)
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


def _seeded(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with their seeds, or without the column if there are none."""
    if "seed" not in rows or rows["seed"].isna().all():
        return rows.drop(columns="seed", errors="ignore")
    if rows["seed"].isna().any():
        raise ValueError("some of its rows have a seed and some have none")
    return rows


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
    """Return the values as a table: a row a group, a column a seed, or one column of exact ones.

    Raises
    ------
    ValueError
        If two rows have the same place, or a group has fewer seeds than the claim needs.
    """
    each = [] if "order_in" in claim else list(claim.get("each", EACH))
    for column in each:
        if _column(rows, column).isna().any():
            raise ValueError(f"some of its rows have no {column}")
    rows = rows if "seed" in rows else rows.assign(seed=np.nan)
    if rows.duplicated([*each, "seed"]).any():
        raise ValueError(
            f"several rows have the same {' and '.join([*each, 'seed'])}: "
            "say under where or each what tells them apart"
        )
    exact = rows["seed"].isna().all()
    values = rows.assign(seed=rows["seed"].fillna(-1), all=0).pivot_table(
        index=each or "all", columns="seed", values="value"
    )
    fewest = int(values.count(axis=1).min())
    if not exact and fewest < claim["seeds"]:
        raise ValueError(f"{fewest} seed{'s' * (fewest != 1)}; the claim needs {claim['seeds']}")
    return values
