"""The verdicts for people."""

from collections import Counter

import pandas as pd

from autoscore.metrics import FEWEST

HEAD = ["| verdict | claim | measured | required |", "| --- | --- | --- | --- |"]


def as_text(table: pd.DataFrame) -> str:
    """Return the verdicts in Markdown: how many there are of each, then by statement."""
    counts = Counter(table["verdict"])
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in sorted(counts))
    lines = ["# The paper's claims", "", f"{len(table)} claims: {summary}.", ""]
    lines += [
        "Measured is a value with its 95 % bootstrap interval over n seeds, of fewer than "
        f"{FEWEST} their range. Without an n it is exact (the range over noise levels), or of one "
        "model of images (the interval over images, where its error is known)."
    ]
    for paper, part in table.groupby("paper", sort=False):
        lines += ["", f"## {paper}", "", *HEAD, *(_line(row) for row in part.itertuples())]
    return "\n".join(lines) + "\n"


def _line(row: tuple) -> str:
    measured = row.reason
    if pd.notna(row.value):
        measured = f"{row.value:.3g} [{row.low:.3g}, {row.high:.3g}]"
        measured += f", n = {row.seeds}" if row.seeds else ""
    return f"| {row.verdict} | **{row.id}** {row.statement} | {measured} | {row.requirement} |"
