"""The verdicts in short, from the table of a run that could test every claim."""

from pathlib import Path

import pandas as pd

from docs.parts import table

CLAIMS = Path("results/verify/claims.csv")
VERDICTS = ["PASS", "FAIL", "NOT TESTED"]


def verdict_table(root: Path) -> str | None:
    """Return how many claims have which verdict, statement by statement.

    Returns
    -------
    str or None
        None if there is no table of verdicts below the project's folder, or one of a run that
        left claims untested: too small, or without MNIST.
    """
    file = root / CLAIMS
    if not file.is_file():
        return None
    claims = pd.read_csv(file)
    if (claims["verdict"] == "NOT TESTED").any():
        return None
    return summary(claims)


def summary(claims: pd.DataFrame) -> str:
    """Return a line a statement of the paper; the columns ``paper`` and ``verdict`` are used."""
    counts = pd.crosstab(claims["paper"], claims["verdict"])
    counts = counts.loc[claims["paper"].unique(), [v for v in VERDICTS if v in counts]]
    rows = [[row.Index, *map(str, row[1:])] for row in counts.itertuples()]
    rows.append([f"**{len(claims)} claims**", *(f"**{n}**" for n in counts.sum())])
    return "\n".join(table(["statement", *counts.columns], rows))
