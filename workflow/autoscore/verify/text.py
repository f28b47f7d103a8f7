"""Verdicts for people: on the terminal, and as a page of tables."""

from collections.abc import Collection, Iterator

import pandas as pd

from autoscore.verify.judging import NULLS

HEAD = ["statement", "in short", "verdict", "headline"]
HEAD += ["support", "limits", "unclear", "calibration"]
PLACE_HEAD = ["place", "measured [95 %]", "compared with", *NULLS, "on record", "counts as"]


def lines(statements: pd.DataFrame) -> list[str]:
    """Return a line per statement with checks: its verdict, and at how many places it holds."""
    shown = statements[statements["verdict"] != "not tested"]
    rows = [
        f"{row.verdict:<24} {row.statement}, {row.short}: {row.headline} {row.number}"
        for row in shown.itertuples()
    ]
    rest = statements.loc[statements["verdict"] == "not tested", "statement"].tolist()
    return rows + ([f"{'not tested':<24} {', '.join(rest)}"] if rest else [])


def differences(places: pd.DataFrame) -> list[str]:
    """Return a line per place that differs from the record."""
    return [
        f"DIFFERS  {row.check} at {row.place or 'its only place'}: expected that it "
        f"{row.expected}; {f'measured {row.value:.4g}' if pd.notna(row.value) else row.reason}"
        for row in places[places["differs"]].itertuples()
    ]


def conclusion(places: pd.DataFrame, left_out: Collection[str]) -> tuple[bool, str]:
    """Return whether a run agrees with its record, and a line that says so.

    Densities, or images, that are `left_out` of the profile's own are not compared.
    """
    tested = places[places["outcome"] != "not tested"]
    differing = places[places["differs"]]
    checks = differing["check"].unique().tolist()
    known = int((tested["expected"] != "").sum())
    said = f"{tested['check'].nunique()} checks at {len(tested)} places, {known} of them on "
    said += f"record; {len(differing)} differ from it" + (
        f" ({', '.join(checks)})" if checks else ""
    )
    if left_out:
        said += f"; left out: {', '.join(left_out)}"
    if not len(tested):
        return False, "nothing could be tested, which is no success"
    return not checks, said


def as_text(statements: pd.DataFrame, places: pd.DataFrame, checks: list[dict]) -> str:
    """Return all verdicts in Markdown: the statements, then every check, place by place."""
    parts = ["# Verdicts", "", *table(HEAD, statement_rows(statements))]
    sentences = {check["id"]: check for check in checks}
    for name, part in places.groupby("check", sort=False):
        check = sentences[name]
        parts += ["", f"## {name}", "", f"{check['sentence']} {where_it_holds(part)}".strip()]
        parts += [f"Bound from {check['bound']}: {check['because']}.", ""]
        parts += table(PLACE_HEAD, [_place(row) for row in part.to_dict("records")])
    return "\n".join(parts) + "\n"


def where_it_holds(places: pd.DataFrame) -> str:
    """Return in a sentence at which places a check holds, fails and is unclear."""
    words = {"holds": "It holds at", "fails": "it fails at", "unclear": "it is unclear at"}
    said = []
    for status, verb in words.items():
        those = places.loc[places["status"] == status, "place"].tolist()
        if those:
            said.append(f"{verb} {', '.join(those) if any(those) else 'its only place'}")
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def statement_rows(statements: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the cells of a table of statements, `HEAD`."""
    for row in statements.itertuples():
        numbers = [row.support, row.limit, row.unclear, row.calibration]
        number = f"`{row.headline}` {row.number}" if row.headline else ""
        yield [row.statement, row.short, row.verdict, number, *map(str, numbers)]


def table(head: list[str], rows: Iterator[list[str]] | list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table; a vertical bar in a cell stays one."""
    cells = [[cell.replace("|", "\\|") for cell in line] for line in [head, *rows]]
    written = [f"| {' | '.join(line)} |" for line in cells]
    return [written[0], f"| {' | '.join(['---'] * len(head))} |", *written[1:]]


def _place(row: dict) -> list[str]:
    if row["outcome"] == "not tested":
        return [row["place"], row["reason"], *[""] * (2 + len(NULLS)), row["expected"], ""]
    value = _number(row["value"])
    if row["low"] < row["high"]:
        middle = row["value"] if pd.isna(row["against"]) else row["value"] - row["against"]
        value += f" [{_number(row['low'])}, {_number(row['high'])}]"
        value += "" if pd.isna(row["against"]) else f" (difference {_number(middle)})"
    nulls = [_number(row[name]) for name in NULLS]
    record = f"{row['expected']}{', differs' * bool(row['differs'])}"
    return [row["place"], value, _number(row["against"]), *nulls, record, row["counts"]]


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3g}"
