"""The sorts of requirement: each judges rows of a table, and says in words what it requires.

Rows with a seed are learned numbers: the bootstrap interval of their mean over seeds is judged,
group by group, never the mean. Rows without one are exact, or have a standard error.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from autoscore.numerics.errors import FEWEST, bootstrap_interval
from autoscore.verify.query import along, asked_in_words, chosen

NORMAL = 1.96  # standard errors on each side of a 95 % interval


class Interval(NamedTuple):
    """A number with its interval, and what that is over: nothing, where the number is exact."""

    value: float
    low: float
    high: float
    over: str = ""


Judgement = tuple[Interval, bool]  # the worst interval, and whether the requirement holds


class Requirement(NamedTuple):
    """A sort of requirement: the keys that a claim gives for it, its judge and its words."""

    keys: frozenset[str]
    judge: Callable[[pd.DataFrame, dict, np.random.Generator], Judgement]
    words: Callable[[dict], str]


def bounded(table: pd.DataFrame, claim: dict, rng: np.random.Generator) -> Judgement:
    """Judge whether every interval lies within bounds."""
    least, most = claim.get("at_least", -np.inf), claim.get("at_most", np.inf)
    if "equals" in claim:
        least, most = claim["equals"] - claim["within"], claim["equals"] + claim["within"]
    rows = chosen(table, claim)
    found = list(_intervals(rows, claim, rng))
    worst = max(found, key=lambda one: max(one.high - most, least - one.low))
    if len(rows) > 1 and "seed" not in rows and "standard_error" not in rows:
        low, high = rows["value"].min(), rows["value"].max()
        worst = worst._replace(low=low, high=high, over=f"range of {len(rows)} rows")
    return worst, bool(worst.low >= least and worst.high <= most)


def _intervals(rows: pd.DataFrame, claim: dict, rng: np.random.Generator) -> Iterator[Interval]:
    if "seed" in rows:
        for _, values in along(rows, claim).iterrows():
            yield _over_seeds(values.dropna(), rng)
    else:
        spread = NORMAL * rows.get("standard_error", pd.Series(0.0, rows.index))
        over = "standard error" if "standard_error" in rows else ""
        for value, reach in zip(rows["value"], spread, strict=True):
            yield Interval(value, value - reach, value + reach, over)


def _over_seeds(values: pd.Series, rng: np.random.Generator, exact: bool = False) -> Interval:
    """Return the mean and its interval; an exact number is its own."""
    known, count = values.to_numpy(), len(values)
    over = "one seed" if count == 1 else f"{'range of ' * (count < FEWEST)}{count} seeds"
    return Interval(known.mean(), *bootstrap_interval(known, rng), over="" if exact else over)


def monotone(table: pd.DataFrame, claim: dict, rng: np.random.Generator) -> Judgement:
    """Judge whether a number rises, or falls, at every step of a column; the least step counts."""
    sign = 1 if "increasing" in claim else -1
    column = claim["increasing" if sign > 0 else "decreasing"]
    rows = chosen(table, claim)
    values = along(rows, claim | {"each": [column]}).sort_index()
    if len(values) < 2:
        raise ValueError(f"it has a single {column}, and so no direction")
    found = [
        _over_seeds(_enough(step.dropna(), rows, claim), rng, exact="seed" not in rows)
        for _, step in values.diff().iloc[1:].iterrows()
    ]
    worst = min(found, key=lambda one: one.low if sign > 0 else -one.high)
    return worst, bool(worst.low > 0 if sign > 0 else worst.high < 0)


def compared(table: pd.DataFrame, claim: dict, rng: np.random.Generator) -> Judgement:
    """Judge whether a number is less than a share of another: the difference, paired over seeds.

    Standard errors of numbers that have no seeds are taken to be independent, which is too wide
    where both are of the same points.
    """
    other = claim["less_than"]
    rows = chosen(table, claim)
    rivals = chosen(table, claim | other | {"where": claim["where"] | other.get("where", {})})
    exact = "seed" not in rows, "seed" not in rivals
    mine, theirs = along(rows, claim), along(rivals, claim)
    factor, found = other.get("factor", 1), []
    for place in mine.index:
        if place not in theirs.index:
            raise ValueError(f"it has nothing to compare {claim['column']} with at {place}")
        pair = pd.concat([mine.loc[place], theirs.loc[place]], axis=1, keys=["mine", "theirs"])
        if any(exact):  # an exact number is the same for all seeds
            pair = pair.apply(lambda one: one.fillna(one.mean()) if one.count() == 1 else one)
        pair = _enough(pair.dropna(), rows, claim)
        gap = pair["mine"] - factor * pair["theirs"]
        found.append(_over_seeds(gap, rng, exact=all(exact)))
    if "standard_error" in rows:
        mine, theirs = (
            along(part.assign(value=part["standard_error"]), claim).iloc[:, 0]
            for part in (rows, rivals)
        )
        reaches = NORMAL * np.hypot(mine, factor * theirs.loc[mine.index]).to_numpy()
        found = [
            Interval(gap.value, gap.value - reach, gap.value + reach, "standard error")
            for gap, reach in zip(found, reaches, strict=True)
        ]
    worst = max(found, key=lambda one: one.high)
    return worst, bool(worst.high < 0)


def _enough(values: pd.Series | pd.DataFrame, rows: pd.DataFrame, claim: dict) -> pd.DataFrame:
    least = claim["seeds"] if "seed" in rows else 1
    if len(values) < least:
        raise ValueError(f"{len(values)} seeds are shared; the claim needs {least}")
    return values


def _bounds_in_words(claim: dict) -> str:
    signs = {"at_least": ">=", "at_most": "<="}
    bounds = [f"{sign} {claim[key]:g}" for key, sign in signs.items() if key in claim]
    return f"{_name(claim)} {' and '.join(bounds)}"


def _comparison_in_words(claim: dict) -> str:
    other = claim["less_than"]
    factor = f"{other['factor']:g} times " if "factor" in other else ""
    where = asked_in_words(other.get("where", {}))
    rival = other.get("column", "that")
    return f"{_name(claim)} < {factor}{rival}{' of ' if where else ''}{where} (difference < 0)"


def _name(claim: dict) -> str:
    """Return what is judged: a column, or the quantity that a table names in its rows."""
    column, order = claim["column"], claim.get("order_in")
    name = claim["where"].get("quantity", column) if column == "value" else column
    return f"order of {name} in {order}" if order else name


REQUIREMENTS = (
    Requirement(frozenset({"at_least", "at_most"}), bounded, _bounds_in_words),
    Requirement(
        frozenset({"equals", "within"}),
        bounded,
        lambda claim: f"{_name(claim)} = {claim['equals']:g} +- {claim['within']:g}",
    ),
    Requirement(
        frozenset({"increasing"}),
        monotone,
        lambda claim: f"{_name(claim)} rises with {claim['increasing']} (least step > 0)",
    ),
    Requirement(
        frozenset({"decreasing"}),
        monotone,
        lambda claim: f"{_name(claim)} falls with {claim['decreasing']} (least step < 0)",
    ),
    Requirement(frozenset({"less_than"}), compared, _comparison_in_words),
)


def requirements_of(claim: dict) -> list[Requirement]:
    """Return the sorts of requirement of which a claim gives a key; it should be one."""
    return [one for one in REQUIREMENTS if one.keys & claim.keys()]
