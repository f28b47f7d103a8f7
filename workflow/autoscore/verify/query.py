"""What a check measures: from the rows of a table that it asks for, numbers place by place."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

Place = tuple[tuple[str, object], ...]  # columns and their values, which tell groups of rows apart


class Measured(NamedTuple):
    """The numbers of one place.

    ``numbers`` are one per seed, or a single one, of which ``error`` is the standard error: 0 if it
    is exact, NaN if it is unknown. ``count`` is how many values that error is over.
    """

    numbers: np.ndarray
    error: float
    count: float
    seeds: tuple = ()

    @property
    def mean(self) -> float:
        return float(self.numbers.mean())


def measured(table: pd.DataFrame, check: dict, column: str) -> dict[Place, Measured]:
    """Return what a column of the rows that a check asks for says, by place.

    A place whose rows all lack the number is no place; if some lack it, so do the place's numbers,
    and it cannot be judged. Raises ValueError if a column is missing, two rows are of the same
    place and seed, or only some rows have a seed. Without rows there are no places.
    """
    rows = np.flatnonzero(_asked(table, check))
    groups = places_of(check)
    needed = [column, *groups]
    needed += [check[key] for key in ("order_in", "standard_error", "count") if key in check]
    columns = {name: _column(table, name)[rows] for name in needed}
    seeds = table["seed"].to_numpy()[rows] if "seed" in table else np.full(len(rows), np.nan)
    unknown = pd.isna(seeds)
    if unknown.any() and not unknown.all():
        raise ValueError("some of its rows have a seed and some have none")
    parts: dict[Place, list[int]] = {}
    for index, values in enumerate(zip(*(columns[name] for name in groups), strict=True)):
        parts.setdefault(tuple(zip(groups, values, strict=True)), []).append(index)
    if not groups and len(rows):
        parts = {(): list(range(len(rows)))}
    if any(pd.isna(value) for place in parts for _, value in place):
        raise ValueError(f"some of its rows have no {' or no '.join(groups)}")
    return {
        place: _of_place(
            {name: values[parts[place]] for name, values in columns.items()},
            None if unknown.any() else seeds[parts[place]],
            check | {"column": column},
            in_words(place),
        )
        for place in sorted(parts, key=_sortable)
        if pd.notna(columns[column][parts[place]]).any()
    }


def _of_place(
    columns: dict[str, np.ndarray], seeds: np.ndarray | None, check: dict, place: str
) -> Measured:
    """Return the numbers of one place: one per seed, or a single one."""
    judged = columns[check["column"]].astype(float)
    known = [0] if seeds is None else sorted(set(seeds.tolist()))
    if "order_in" in check:
        along = columns[check["order_in"]].astype(float)
        parts = [np.full(len(judged), True) if seeds is None else seeds == one for one in known]
        values = np.array([_order(along[part], judged[part]) for part in parts])
    elif check.get("rows") == "worst":
        parts = [judged if seeds is None else judged[seeds == one] for one in known]
        bad = _badness(check)
        values = np.array([part[np.argmax([bad(one) for one in part])] for part in parts])
    elif len(judged) > len(known):
        raise ValueError(
            f"several rows are of {place or 'the same place'}: say under where or places what "
            "tells them apart"
        )
    else:
        values = judged if seeds is None else judged[np.argsort(seeds)]
    if seeds is not None:
        return over_seeds(values, tuple(known))
    if "standard_error" in check:
        count = float(columns[check["count"]][0]) if "count" in check else np.inf
        return Measured(values, float(columns[check["standard_error"]][0]), count)
    return Measured(values, np.nan if check.get("single") else 0.0, 1)


def _badness(check: dict) -> Callable[[float], float]:
    """Return how far towards the wrong side of a check's bound a number is."""
    if "equals" in check:
        return lambda number: abs(number - check["equals"])
    return lambda number: -number if "at_least" in check else number


def over_seeds(values: np.ndarray, seeds: tuple) -> Measured:
    """Return one number per seed with the standard error of their mean."""
    count = len(values)
    known = count > 1 and np.isfinite(values).all()
    error = values.std(ddof=1) / np.sqrt(count) if known else np.nan
    return Measured(values, float(error), count, seeds)


def places_of(check: dict) -> list[str]:
    """Return the columns that tell a check's places apart."""
    steps = check.get("increasing") or check.get("decreasing")
    default = [] if "order_in" in check else [steps or "sigma"]
    return check.get("places", default)


def chosen(table: pd.DataFrame, check: dict) -> pd.DataFrame:
    """Return the rows that a check asks for; ValueError if a column is missing."""
    return table[_asked(table, check)]


def _asked(table: pd.DataFrame, check: dict) -> np.ndarray:
    fits = np.ones(len(table), dtype=bool)
    for column, wanted in check["where"].items():
        fits &= _matches(_column(table, column), wanted)
    return fits


def in_words(place: Place) -> str:
    """Return a place as it is called in tables, "" for the whole."""
    return ", ".join(f"{column} {_short(value)}" for column, value in place)


WORDS = {"dae": "denoising", "rcae": "contractive"}  # values that tables abbreviate


def asked_in_words(where: dict) -> str:
    """Return in words which rows a check asks for."""
    return ", ".join(f"{column} {_wanted_in_words(wanted)}" for column, wanted in where.items())


def _wanted_in_words(wanted: object) -> str:
    if isinstance(wanted, dict):
        return " ".join(f"{word} {wanted[word]}" for word in ("from", "to") if word in wanted)
    return " or ".join(map(_short, wanted)) if isinstance(wanted, list) else _short(wanted)


def _short(value: object) -> str:
    number = isinstance(value, float | int | np.number) and not isinstance(value, bool)
    return f"{value:.4g}" if number else WORDS.get(str(value), str(value))


def _sortable(place: Place) -> list:
    return [(0, value, "") if np.isreal(value) else (1, 0, str(value)) for _, value in place]


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    if name not in table:
        raise ValueError(f"it has no column {name}")
    return table[name].to_numpy()


def _matches(column: np.ndarray, wanted: object) -> np.ndarray:
    if isinstance(wanted, dict):
        return (column >= wanted.get("from", -np.inf)) & (column <= wanted.get("to", np.inf))
    return np.isin(column, wanted) if isinstance(wanted, list) else column == wanted


def _order(along: np.ndarray, numbers: np.ndarray) -> float:
    """Return the exponent k of |number| ~ along^k by least squares."""
    if len(set(along)) < len(along) or len(along) < 2:
        raise ValueError("an order needs two rows and more, each with its own place along it")
    with np.errstate(divide="ignore"):
        logarithms = np.log(np.abs(numbers))
    if not np.isfinite(logarithms).all():
        return np.nan
    return float(np.polyfit(np.log(along), logarithms, 1)[0])
