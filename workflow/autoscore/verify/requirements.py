"""The sorts of requirement: what a check judges at each place, within which bounds, in words."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from autoscore.verify.query import Measured, Place, asked_in_words, measured, over_seeds

TINY = np.finfo(float).tiny  # the smallest difference of a number that is more than another


COMPARISONS = {
    "less_than": (-np.inf, -TINY),
    "more_than": (TINY, np.inf),
}  # the difference's bounds


class Judged(NamedTuple):
    """What is judged at one place: a number that has to lie from ``least`` to ``most``.

    ``value`` is the number that the table has, ``against`` what it is compared with (NaN if with a
    bound), and ``number`` what is judged, their difference where they are compared.
    """

    number: Measured
    least: float
    most: float
    value: float
    against: float = np.nan

    @property
    def margin(self) -> float:
        """By how much the number is within the bounds; negative outside."""
        return min(self.number.mean - self.least, self.most - self.number.mean)


Judges = Callable[[pd.DataFrame, dict], dict[Place, Judged]]


class Requirement(NamedTuple):
    """A sort of requirement: the keys that a family gives for it, its judge and its words."""

    keys: frozenset[str]
    judge: Judges
    words: Callable[[dict], str]


def bounded(table: pd.DataFrame, check: dict) -> dict[Place, Judged]:
    """Hold every number against bounds."""
    least, most = check.get("at_least", -np.inf), check.get("at_most", np.inf)
    if "equals" in check:
        least, most = check["equals"] - check["within"], check["equals"] + check["within"]
    found = measured(table, check, check["column"])
    return {place: Judged(one, least, most, one.mean) for place, one in found.items()}


def monotone(table: pd.DataFrame, check: dict) -> dict[Place, Judged]:
    """Hold every step of a column against 0; a step is called by where it ends.

    Steps are taken among the places that agree in all other columns.
    """
    falls = "decreasing" in check
    column = check["decreasing" if falls else "increasing"]
    found = measured(table, check, check["column"]).items()
    judged, last = {}, {}
    for place, after in sorted(found, key=lambda item: dict(item[0])[column]):
        rest = _without(place, {column})
        if rest in last:
            before = last[rest]
            step = _difference(before, after) if falls else _difference(after, before)
            judged[place] = Judged(step, TINY, np.inf, after.mean, before.mean)
        last[rest] = after
    return judged


def compared(table: pd.DataFrame, check: dict) -> dict[Place, Judged]:
    """Hold the difference from a multiple of another number against 0, paired over seeds.

    Standard errors of numbers without seeds are taken to be independent, which is too wide where
    both are of the same points. Places without the other number are left out.
    """
    key = comparison(check)
    other, bounds = check[key], COMPARISONS[key]
    rival = check | {"where": check["where"] | other.get("where", {})}
    mine = measured(table, check, check["column"])
    theirs = measured(table, rival, other.get("column", check["column"]))
    changed = other.get("where", {})  # what a place is called by may be what differs
    by_rest = {_without(place, changed): one for place, one in theirs.items()}
    factor, judged = other.get("factor", 1.0), {}
    for place, one in mine.items():
        if (against := by_rest.get(_without(place, changed))) is not None:
            against = against._replace(
                numbers=factor * against.numbers, error=factor * against.error
            )
            gap = _difference(one, against)
            judged[place] = Judged(gap, *bounds, one.mean, against.mean)
    return judged


def comparison(check: dict) -> str | None:
    """Return the key under which a check says what it compares a number with, if it does."""
    return next((key for key in COMPARISONS if key in check), None)


def _without(place: Place, columns: Collection[str]) -> Place:
    return tuple(part for part in place if part[0] not in columns)


def _difference(one: Measured, other: Measured) -> Measured:
    """Return one - other: seed by seed where both have seeds, else with both errors."""
    if shared := tuple(seed for seed in one.seeds if seed in other.seeds):
        first, second = (dict(zip(of.seeds, of.numbers, strict=True)) for of in (one, other))
        return over_seeds(np.array([first[seed] - second[seed] for seed in shared]), shared)
    values = np.array([one.mean - other.mean])
    return Measured(values, float(np.hypot(one.error, other.error)), max(one.count, other.count))


def _bounds_in_words(check: dict) -> str:
    words = {"at_least": "at least", "at_most": "at most"}
    bounds = [f"{words[key]} {check[key]:g}" for key in words if key in check]
    return f"{quantity(check)} {' and '.join(bounds)}"


def _comparison_in_words(check: dict) -> str:
    key = comparison(check)
    other = check[key]
    factor = f"{other['factor']:g} times " if "factor" in other else ""
    where = asked_in_words(other.get("where", {}))
    rival = other.get("column", "").replace("_", " ") or "that"
    return (
        f"{quantity(check)} {key.replace('_', ' ')} {factor}{rival}{' of ' if where else ''}{where}"
    )


def is_compared(check: Mapping) -> bool:
    """Return whether a check judges the difference from another number, not a number itself."""
    return not check.keys().isdisjoint({*COMPARISONS, "increasing", "decreasing"})


def should_be(check: Mapping, against: str | float) -> str:
    """Return what a check's number should be: "1 ± 0.1", "≥ 0.9", or "< 0.3", the number `against`.

    Of a column that rises or falls, ``against`` is the number before the step.
    """
    if is_compared(check):
        less = "less_than" in check or "decreasing" in check
        return f"{'<' if less else '>'} {float(against):.3g}"
    if "equals" in check:
        return f"{check['equals']:g} ± {check['within']:g}"
    if {"at_least", "at_most"} <= check.keys():
        return f"{check['at_least']:g} to {check['at_most']:g}"
    return f"≥ {check['at_least']:g}" if "at_least" in check else f"≤ {check['at_most']:g}"


def quantity(check: dict) -> str:
    """Return what is judged: a column, or the quantity that a table names in its rows."""
    column, order = check["column"], check.get("order_in")
    name = check["where"].get("quantity", column) if column == "value" else column
    name = name.replace("_", " ")
    return f"order of {name} in {order}" if order else name


REQUIREMENTS = (
    Requirement(frozenset({"at_least", "at_most"}), bounded, _bounds_in_words),
    Requirement(
        frozenset({"equals", "within"}),
        bounded,
        lambda check: f"{quantity(check)} within {check['within']:g} of {check['equals']:g}",
    ),
    Requirement(
        frozenset({"increasing"}),
        monotone,
        lambda check: f"{quantity(check)} rises at every step of {check['increasing']}",
    ),
    Requirement(
        frozenset({"decreasing"}),
        monotone,
        lambda check: f"{quantity(check)} falls at every step of {check['decreasing']}",
    ),
    Requirement(frozenset({"less_than"}), compared, _comparison_in_words),
    Requirement(frozenset({"more_than"}), compared, _comparison_in_words),
)


def requirements_of(check: dict) -> list[Requirement]:
    """Return the sorts of requirement of which a family gives a key; it should be one."""
    return [one for one in REQUIREMENTS if one.keys & check.keys()]
