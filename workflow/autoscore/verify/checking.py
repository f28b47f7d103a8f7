"""Judging every claim."""

from collections.abc import Collection

import pandas as pd

from autoscore.numerics.streams import generator
from autoscore.verify.requirements import requirements_of

COLUMNS = [
    "id", "statement", "paper", "value", "low", "high", "requirement", "verdict", "reason",
    "over",
]  # fmt: skip


def check(
    claims: list[dict], seed: int, targets: Collection[str], images: dict[str, str] | None = None
) -> pd.DataFrame:
    """Judge every claim.

    Parameters
    ----------
    claims
        What `autoscore.verify.reading.read_claims` returned.
    seed
        Seed of the whole run, for the bootstrap.
    targets
        The densities that the run has.
    images
        The provenance of the run's images, None if it has none.

    Returns
    -------
    pandas.DataFrame
        A row a claim, with `COLUMNS`; the verdict is PASS, FAIL or NOT TESTED. ``over`` is
        what the interval is taken over, empty for an exact number.
    """
    rows = [_row(claim) | _judge(claim, seed, targets, images) for claim in claims]
    return pd.DataFrame(rows, columns=COLUMNS)


def conclusion(
    table: pd.DataFrame, recorded: int | None, left_out: Collection[str]
) -> tuple[bool, str]:
    """Return whether verdicts are a success, and say why in a line.

    Parameters
    ----------
    table
        What `check` returned.
    recorded
        How many claims a run of this profile, with these images, is known to test, None if that
        is not on record.
    left_out
        What the run leaves out of its profile's own configuration, and so cannot test.
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
            f"{tested} were tested, which is not held against the number on record, since the "
            f"configuration leaves out {', '.join(left_out)}"
        )
    elif recorded is not None and tested < recorded:
        good = False
        said.append(
            f"only {tested} were tested, where {recorded} are on record for this profile and these "
            "images: see which are NOT TESTED, or correct `tested` in config/claims.yaml"
        )
    return good, "; ".join(said)


def _row(claim: dict) -> dict:
    (kind,) = requirements_of(claim)
    told = {key: claim[key] for key in ("id", "statement", "paper")}
    return told | {"requirement": kind.words(claim)}


def _judge(claim: dict, seed: int, targets: Collection[str], images: dict[str, str] | None) -> dict:
    if reason := untestable(claim, targets, images):
        return {"verdict": "NOT TESTED", "reason": reason}
    (kind,) = requirements_of(claim)
    try:
        table = pd.read_csv(claim["table"])
        outcome = kind.judge(table, claim, generator(seed, "claims", claim["id"]))
    except (OSError, TypeError, ValueError) as error:  # ValueErrors include pandas' own
        return {"verdict": "FAIL", "reason": f"{claim['table']} cannot be used: {error}"}
    verdict = "PASS" if outcome.holds else "FAIL"
    told = {"verdict": verdict, "reason": f"measured in {claim['table']}"}
    return outcome.worst._asdict() | told


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
