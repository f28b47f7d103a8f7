"""Judging every claim, and the verdicts for people."""

from collections import Counter
from collections.abc import Collection

import pandas as pd

from autoscore.numerics.errors import FEWEST
from autoscore.numerics.streams import generator
from autoscore.verify.requirements import requirements_of

COLUMNS = ["id", "statement", "paper", "value", "low", "high", "requirement", "verdict"]
COLUMNS += ["reason", "over"]
HEAD = ["| verdict | claim | measured | required |", "| --- | --- | --- | --- |"]


def check(
    claims: list[dict], seed: int, targets: Collection[str], images: dict[str, str] | None = None
) -> pd.DataFrame:
    """Judge every claim of `autoscore.verify.reading.read_claims`; return a row each, `COLUMNS`.

    The run's `seed` starts the bootstrap; `targets` are its densities, `images` the provenance of
    its images. Verdicts are PASS, FAIL or NOT TESTED; ``over`` says what an interval is taken over.
    """
    return pd.DataFrame([_judge(claim, seed, targets, images) for claim in claims], columns=COLUMNS)


def _judge(claim: dict, seed: int, targets: Collection[str], images: dict[str, str] | None) -> dict:
    (requirement,) = requirements_of(claim)
    row = {key: claim[key] for key in ("id", "statement", "paper")}
    row["requirement"] = requirement.words(claim)
    if reason := untestable(claim, targets, images):
        return row | {"verdict": "NOT TESTED", "reason": reason}
    try:
        table = pd.read_csv(claim["table"])
        rng = generator(seed, "claims", claim["id"])
        interval, holds = requirement.judge(table, claim, rng)
    except (OSError, TypeError, ValueError) as error:  # ValueErrors include pandas' own
        return row | {"verdict": "FAIL", "reason": f"{claim['table']} cannot be used: {error}"}
    row |= {"verdict": "PASS" if holds else "FAIL", "reason": f"measured in {claim['table']}"}
    return row | interval._asdict()


def untestable(claim: dict, targets: Collection[str], images: dict[str, str] | None) -> str | None:
    """Return why a run cannot test a claim, None if it can; parameters are those of `check`."""
    if "why_not" in claim:
        return claim["why_not"]
    target, dataset = claim.get("target"), claim.get("dataset")
    if target is not None and target not in targets:
        return f"needs the target {target}, which this run leaves out"
    if dataset is not None and (images is None or images["dataset"] != dataset):
        return f"needs {dataset}; this run has {'no images' if images is None else images['name']}"
    return None


def conclusion(
    table: pd.DataFrame, recorded: int | None, left_out: Collection[str]
) -> tuple[bool, str]:
    """Return whether the verdicts of `check` are a success, and a line that says why.

    `recorded` is how many claims a run of this profile with these images tests, None if unknown.
    That counts only if nothing is `left_out` of what the profile's own configuration has.
    """
    failed = table.loc[table["verdict"] == "FAIL", "id"].tolist()
    said = [f"{len(table)} claims, {len(failed)} failed: {', '.join(failed) or 'none'}"]
    good = not failed
    if "PASS" not in set(table["verdict"]):
        good = False
        said.append("none passed, which is no success")
    tested = int((table["verdict"] != "NOT TESTED").sum())
    if left_out:
        said.append(
            f"{tested} were tested, not compared with the number on record, because the "
            f"configuration leaves out {', '.join(left_out)}"
        )
    elif recorded is not None and tested < recorded:
        good = False
        said.append(
            f"only {tested} were tested, where {recorded} are on record for this profile and these "
            "images: see which are NOT TESTED, or correct `tested` in config/claims.yaml"
        )
    return good, "; ".join(said)


def as_text(table: pd.DataFrame) -> str:
    """Return the verdicts of `check` in Markdown: their counts, then a table per statement."""
    counts = Counter(table["verdict"])
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in sorted(counts))
    lines = ["# Claims", "", f"{len(table)} claims: {summary}.", ""]
    lines += [
        "Measured: the worst case over the rows. Brackets: the 95 % bootstrap interval of the mean "
        f"over seeds (the range of fewer than {FEWEST} seeds); 1.96 standard errors over images "
        "for one model; or the range of all rows of an exact number."
    ]
    for paper, part in table.groupby("paper", sort=False):
        lines += ["", f"## {paper}", "", *HEAD]
        for row in part.itertuples():
            interval = f" [{row.low:.3g}, {row.high:.3g}]" if row.low < row.high else ""
            over = f", {row.over}" if row.over else ""
            measured = row.reason if pd.isna(row.value) else f"{row.value:.3g}{interval}{over}"
            claim = f"**{row.id}** {row.statement}"
            lines.append(f"| {row.verdict} | {claim} | {measured} | {row.requirement} |")
    return "\n".join(lines) + "\n"
