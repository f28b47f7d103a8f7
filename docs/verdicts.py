"""The verdicts of the last run that could test every claim, which the documentation shows."""

from pathlib import Path

import pandas as pd

from autoscore.configuration import read_yaml
from autoscore.verify.reading import read_claims
from autoscore.verify.requirements import requirements_of
from docs.parts import table

CLAIMS = Path("config/claims.yaml")
RESULTS = Path("results/verify/claims.csv")
STORED = Path("docs/verdicts.csv")
COLUMNS = ["id", "requirement", "verdict", "value", "low", "high"]
VERDICTS = ["PASS", "FAIL", "NOT TESTED"]


def store_verdicts(root: Path) -> bool:
    """Keep the verdicts of a run that tested every claim; return whether they are new.

    A run below the project's folder that was too small for some, or had no MNIST, changes nothing.
    """
    if not complete(root):
        return False
    text = pd.read_csv(root / RESULTS)[COLUMNS].to_csv(
        index=False, float_format="%.4g", lineterminator="\n"
    )
    file = root / STORED
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return False
    file.write_text(text, encoding="utf-8")
    return True


def complete(root: Path) -> bool:
    """Return whether a run below the project's folder tested every claim."""
    results = root / RESULTS
    return results.is_file() and not (pd.read_csv(results)["verdict"] == "NOT TESTED").any()


def judged(root: Path) -> pd.DataFrame:
    """Return all claims as they are now, with the stored verdicts, by id.

    The columns are ``family`` (the id without its target), ``statement`` (short name), ``paper``
    (the statement in words), ``says`` (the claim in words), ``requirement``, ``verdict``,
    ``value``, ``low`` and ``high``. A claim that the stored run did not know, or that required
    something else, is NOT TESTED.
    """
    content = read_yaml(root / CLAIMS)
    names = {words: name for name, words in content["paper"].items()}
    families = {claim["id"] for claim in content["claims"]}
    rows = []
    for claim in read_claims(root / CLAIMS, "full"):
        (requirement,) = requirements_of(claim)
        name = claim["id"]
        family = name if name in families else name.removesuffix(f"_{claim['target']}")
        words = [claim["paper"], claim["statement"], requirement.words(claim)]
        rows.append([name, family, names[claim["paper"]], *words])
    now = pd.DataFrame(rows, columns=["id", "family", "statement", "paper", "says", "requirement"])
    found = now.merge(pd.read_csv(root / STORED), how="left", on=["id", "requirement"])
    return found.fillna({"verdict": "NOT TESTED"}).set_index("id")


def verdict_table(root: Path) -> str:
    """Return how many claims have which verdict, statement by statement, and those that fail."""
    claims = judged(root)
    return f"{summary(claims)}\n\n{failures(claims)}"


def failures(claims: pd.DataFrame) -> str:
    """Return the claims that fail, with what was measured; see `judged`."""
    failed = claims[claims["verdict"] == "FAIL"]
    if failed.empty:
        return "Every claim holds."
    rows = [
        [f"`{row.Index}`", row.says, f"{row.value:.3g} [{row.low:.3g}, {row.high:.3g}]"]
        for row in failed.itertuples()
    ]
    head = ["claim that fails", "it says", "measured [95 % interval]"]
    return "\n".join(table(head, rows))


def summary(claims: pd.DataFrame) -> str:
    """Return one line per statement; the columns ``paper`` and ``verdict`` are used."""
    counts = pd.crosstab(claims["paper"], claims["verdict"])
    counts = counts.loc[claims["paper"].unique(), [v for v in VERDICTS if v in counts]]
    rows = [[row.Index, *map(str, row[1:])] for row in counts.itertuples()]
    rows.append([f"**{len(claims)} claims**", *(f"**{n}**" for n in counts.sum())])
    return "\n".join(table(["statement", *counts.columns], rows))
