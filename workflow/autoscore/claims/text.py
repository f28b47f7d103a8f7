"""The verdicts for people."""

from collections import Counter

import pandas as pd

HEAD = ["| verdict | claim | measured | required |", "| --- | --- | --- | --- |"]


def as_text(table: pd.DataFrame) -> str:
    """Return the verdicts in Markdown: how many there are of each, then by statement."""
    counts = Counter(table["verdict"])
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in sorted(counts))
    lines = ["# The paper's claims", "", f"{len(table)} claims: {summary}.", ""]
    lines += ["Measured is a value with its 95 % interval, over seeds if it was learned."]
    for paper, part in table.groupby("paper", sort=False):
        lines += ["", f"## {paper}", "", *HEAD, *(_line(row) for row in part.itertuples())]
    return "\n".join(lines) + "\n"


def _line(row: tuple) -> str:
    measured = row.reason
    if pd.notna(row.value):
        measured = f"{row.value:.3g} [{row.low:.3g}, {row.high:.3g}]"
    return f"| {row.verdict} | **{row.id}** {row.statement} | {measured} | {row.requirement} |"
