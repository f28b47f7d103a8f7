"""The verdicts for people."""

from collections import Counter

import pandas as pd

from autoscore.numerics.errors import FEWEST

HEAD = ["| verdict | claim | measured | required |", "| --- | --- | --- | --- |"]


def as_text(table: pd.DataFrame) -> str:
    """Return the verdicts in Markdown: how many there are of each, then by statement."""
    counts = Counter(table["verdict"])
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in sorted(counts))
    lines = ["# The paper's claims", "", f"{len(table)} claims: {summary}.", ""]
    lines += [
        "Measured is, where there are several, the number that is the worst of all: a mean over "
        f"seeds with its 95 % bootstrap interval, or the range of fewer than {FEWEST} seeds; the "
        "error of one model on images with 1.96 standard errors over these; or a plain number, "
        "with the range of all rows that were asked for."
    ]
    for paper, part in table.groupby("paper", sort=False):
        lines += ["", f"## {paper}", "", *HEAD, *(_line(row) for row in part.itertuples())]
    return "\n".join(lines) + "\n"


def _line(row: tuple) -> str:
    measured = row.reason if pd.isna(row.value) else measured_in_words(row)
    return f"| {row.verdict} | **{row.id}** {row.statement} | {measured} | {row.requirement} |"


def measured_in_words(row: tuple) -> str:
    """Return a number with its interval, if it has one, and what that is over."""
    interval = f" [{row.low:.3g}, {row.high:.3g}]" if row.low < row.high else ""
    return f"{row.value:.3g}{interval}{f', {row.over}' if row.over else ''}"
