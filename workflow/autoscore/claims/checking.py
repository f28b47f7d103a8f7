"""Judging every claim."""

from collections.abc import Collection

import pandas as pd

from autoscore.claims.requirements import requirements_of
from autoscore.randomness import generator

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
        What `autoscore.claims.reading.read_claims` returned.
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
