"""Numbers in prose: each is a query of docs/numbers.yaml on the tables of one reference run.

`make docs` keeps the answers in docs/results.json and writes them into the pages: a number between
``<!--= name -->`` and ``<!--/-->``, which do not show, and a table between the marks of a part.
"""

import json
import re
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from autoscore.configuration import ConfigurationError, read_yaml
from autoscore.verify.query import asked_in_words, chosen
from docs.parts import replace_part, table
from docs.verdicts import CLAIMS, complete

QUERIES, STORED = Path("docs/numbers.yaml"), Path("docs/results.json")
PROSE = ("README.md", "docs/findings.md")
MARKED = re.compile(r"<!--= *(\S*) *-->(.*?)<!--/-->", re.DOTALL)
PART = re.compile(r"<!-- (\w+): written by make docs -->")
AT_START = re.compile(r"^[ \t>*-]*<!--=", re.MULTILINE)  # where a comment starts a block of HTML
DIFFERS = ("over", "less")  # a second query, by what it has else: the value over it, or less it
KEYS = {
    "table",
    "target",
    "where",
    "column",
    "each",
    "order_in",
    "reduce",
    "then",
    "format",
    "gaps",
}
KEYS |= {*DIFFERS}
LAYOUT = {"corner", "down", "across"}
THEN = {
    "min": lambda values: [values.min()],
    "max": lambda values: [values.max()],
    "mean": lambda values: [values.mean()],
    "range": lambda values: [values.min(), values.max()],
    "below 1": lambda values: [(values < 1).sum(), len(values)],
}  # what is shown of several groups, after a reduction within each
BETWEEN = {"range": " to ", "below 1": " of "}


class Numbers:
    """The queries of a file, checked, with the last answers known.

    A query has ``table`` (a file, in which {target} stands for ``target``), ``where`` (as
    `autoscore.verify.query.chosen` reads it), ``column``, ``reduce`` (mean if not given; median,
    min, max, count, first, last), or ``order_in`` for an order of convergence, and ``format``. With
    ``each`` it is reduced by group, and ``then`` takes the groups together. ``over`` and ``less``
    say how a second query differs, by which the value is divided, or which is taken from it. A
    table is a query with rows ``down`` and columns ``across``: titles with what each changes of the
    query, or a column with a list of values. A row or column with ``gaps`` leaves a cell empty
    where the run has no such number.

    Raises ConfigurationError if the file has a key or a word that is not known.
    """

    def __init__(self, root: Path) -> None:
        content = read_yaml(root / QUERIES)
        self.root, self.numbers, self.tables = root, content["numbers"], content["tables"]
        refuse(QUERIES, [*self._mistakes()])
        stored = root / STORED
        text = stored.read_text(encoding="utf-8") if stored.is_file() else "{}"
        self.stored = json.loads(text)

    @cached_property
    def claims(self) -> list[dict]:
        """The families of checks."""
        return read_yaml(self.root / CLAIMS)["families"]

    def _mistakes(self) -> Iterator[str]:
        for name in self.numbers.keys() & self.tables.keys():
            yield f"{name} is a number and a table"
        for name, query in (self.numbers | self.tables).items():
            parts = [query] + [
                changes
                for key in ("down", "across")
                for changes in entries(query.get(key, {})).values()
            ]
            known = KEYS | (LAYOUT if name in self.tables else set())
            for key in {key for part in parts for key in part} - known:
                yield f"{name} has the key {key}; allowed: {', '.join(sorted(known))}"
            if (then := query.get("then", "mean")) not in THEN:
                yield f"{name} has then: {then}; allowed: {', '.join(THEN)}"

    def queries(self, name: str) -> dict[str, dict]:
        """Return the queries of a number, by "", or of a table, by row and column."""
        if name in self.numbers:
            return {"": self.numbers[name]}
        spec = self.tables[name]
        base = {key: value for key, value in spec.items() if key in KEYS}
        down, across = entries(spec["down"]), entries(spec["across"])
        return {
            f"{row} | {head}": merged(merged(base, changed), also)
            for row, changed in down.items()
            for head, also in across.items()
        }

    def measured(self) -> dict[str, dict]:
        """Return what to store: the answers to all queries, by name, from the tables of a run.

        Raises ConfigurationError, with a line per query, if one has no answer.
        """
        self.read: dict[Path, pd.DataFrame] = {}
        found, mistakes = {}, []
        for name in self.numbers | self.tables:
            values = {}
            for place, query in self.queries(name).items():
                try:
                    values[place] = self._answer(query)
                except (KeyError, OSError, ValueError) as error:
                    if query.get("gaps") and re.match("it has no rows|not every", str(error)):
                        values[place] = None
                    else:
                        at = f"{name}, {place}" if place else name
                        mistakes.append(f"{at}: {query.get('table')}: {error}")
            found[name] = {"asked": self._asked(name), "values": values}
        refuse(QUERIES, mistakes)
        return found

    def _answer(self, query: dict) -> list[float]:
        """Return the number, or both ends of a range, to six digits."""
        values = self._reduced(query)
        for key, combine in zip(DIFFERS, (np.divide, np.subtract), strict=True):
            if key in query:
                other = self._reduced(merged(query, query[key]))
                shared = values.index.intersection(other.index)
                if shared.empty:
                    raise ValueError(f"{key} has other groups: {[*other.index]}, {[*values.index]}")
                values = combine(values[shared], other[shared])
        if "then" not in query and len(values) > 1:
            raise ValueError(f"{len(values)} groups; say in then which is shown: {', '.join(THEN)}")
        shown = THEN[query.get("then", "mean")](values)
        return [float(f"{value:.6g}") for value in shown]

    def _reduced(self, query: dict) -> pd.Series:
        """Return one value per group, or one."""
        path = self.root / query["table"].replace("{target}", query.get("target", ""))
        if path not in self.read:
            self.read[path] = pd.read_csv(path, low_memory=False)
        if query["column"] not in self.read[path]:
            raise ValueError(f"it has no column {query['column']}")
        rows = chosen(self.read[path], query)
        if rows.empty:
            raise ValueError(f"it has no rows with {asked_in_words(query['where'])}")
        rows = rows.copy().assign(value=rows[query["column"]].astype(float))
        if not np.isfinite(rows["value"]).all():
            raise ValueError(f"not every {query['column']} there is finite")
        groups = rows.groupby(query.get("each", lambda _: 0))
        if "order_in" in query:
            return groups[["value", query["order_in"]]].apply(_order, query["order_in"])
        return groups["value"].agg(query.get("reduce", "mean"))

    def _asked(self, name: str) -> str:
        """Return what was asked, without the format: an answer to something else is none."""
        asked = {
            place: {key: value for key, value in query.items() if key != "format"}
            for place, query in self.queries(name).items()
        }
        return f"{zlib.crc32(json.dumps(asked, sort_keys=True).encode()):08x}"

    def texts(self, name: str) -> dict[str, str]:
        """Return the numbers of a query as they are shown; see `queries`.

        Raises ConfigurationError if the query was never asked of a run, or was another then.
        """
        known = self.stored.get(name)
        if known is None or known["asked"] != self._asked(name):
            refuse(STORED, [f"no answer to {name} of {QUERIES}: run it in full, then make docs"])
        return {
            place: shown(query, known["values"][place])
            for place, query in self.queries(name).items()
        }

    def table(self, name: str) -> str:
        """Return a table of Markdown; rows and columns without a number are left out."""
        spec, texts = self.tables[name], self.texts(name)
        rows, heads = entries(spec["down"]), entries(spec["across"])
        cells = pd.DataFrame({head: [texts[f"{row} | {head}"] for row in rows] for head in heads})
        cells.index = pd.Index([*rows])
        some = cells != ""
        cells = cells.loc[some.any(axis=1), some.any(axis=0)]
        lines = [[row, *line] for row, line in zip(cells.index, cells.to_numpy(), strict=True)]
        return "\n".join(table([spec.get("corner", ""), *cells.columns], lines))

    def filled(self, page: str, text: str) -> str:
        """Return a page's text with its numbers and tables.

        Raises ConfigurationError, with a line per place, if it names what is not known or stands
        where GitHub would show a block of HTML.
        """
        lost = [name for name, _ in MARKED.findall(text) if name not in self.numbers]
        mistakes = [f"{name} is no number of {QUERIES}" for name in lost]
        if text.count("<!--=") != len(MARKED.findall(text)):
            mistakes.append("a mark <!--= name --> without its end, <!--/-->")
        for found in AT_START.finditer(text):
            line = text.count("\n", 0, found.end()) + 1
            mistakes.append(f"line {line} starts with a mark: GitHub would not format the line")
        refuse(page, mistakes)
        text = MARKED.sub(
            lambda found: f"<!--= {found[1]} -->{self.texts(found[1])['']}<!--/-->", text
        )
        for name in PART.findall(text):
            if name in self.tables:
                text = replace_part(text, name, self.table(name))
            elif name.startswith("checks_"):
                text = replace_part(text, name, self.checks(name.removeprefix("checks_")))
        return text

    def checks(self, statement: str) -> str:
        """Return the families of checks on a statement of config/claims.yaml, in one line."""
        names = [claim["id"] for claim in self.claims if claim["of"] == statement]
        if not names:
            refuse(CLAIMS, [f"no check is on the statement {statement}"])
        return f"Checks: {', '.join(f'`{name}`' for name in names)}."

    def unused(self, texts: list[str]) -> list[str]:
        """Return the names that no page shows."""
        named = {name for text in texts for name, _ in MARKED.findall(text)}
        named |= {name for text in texts for name in PART.findall(text)}
        return [name for name in self.numbers | self.tables if name not in named]


def _order(rows: pd.DataFrame, column: str) -> float:
    """Return the exponent k of |value| ~ column^k by least squares."""
    return np.polyfit(np.log(rows[column]), np.log(rows["value"].abs()), 1)[0]


def merged(query: dict, changes: dict) -> dict:
    """Return a query with changes; those of ``where`` are made by column, null drops one."""
    where = query.get("where", {}) | changes.get("where", {})
    return query | changes | {"where": {key: it for key, it in where.items() if it is not None}}


def entries(spec: dict) -> dict[str, dict]:
    """Return what each row, or column, of a table changes, by its title."""
    found = {}
    for title, changes in spec.items():
        if not isinstance(changes, list):
            found[str(title)] = changes
            continue
        for value in changes:
            found[f"{value}"] = (
                {"target": value} if title == "target" else {"where": {title: value}}
            )
    return found


def shown(query: dict, values: list[float] | None) -> str:
    """Return numbers as text: two digits without an exponent, if the query has no format."""
    if values is None:
        return ""
    then = query.get("then", "")
    if then == "below 1":
        return BETWEEN[then].join(f"{count:.0f}" for count in values)
    written = [f"{it:z{query['format']}}" if "format" in query else short(it) for it in values]
    return BETWEEN.get(then, " ").join(dict.fromkeys(written))


def short(value: float) -> str:
    """Return a number with two digits, or all before the point; an exponent only below 1e-4."""
    return f"{value:,.0f}" if value == 0 or abs(value) >= 10 else f"{value:#.2g}"


def store_numbers(root: Path) -> bool:
    """Keep the answers of a run that tested every claim; return whether they are new.

    A run below the project's folder that was too small for some, or had no MNIST, changes nothing.
    """
    numbers = Numbers(root)
    if not complete(root):
        return False
    measured = numbers.measured()
    if measured == numbers.stored:
        return False
    lines = [f"{json.dumps(name)}: {json.dumps(answer)}" for name, answer in measured.items()]
    (root / STORED).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return True


def refuse(place: Path | str, mistakes: list[str]) -> None:
    """Raise ConfigurationError with a line per mistake, if there is any."""
    if mistakes:
        raise ConfigurationError("\n  ".join([f"{place} cannot be used:", *mistakes]))
