"""Verdicts on the paper's claims, from the result tables alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from autoscore.metrics import bootstrap_interval
from autoscore.randomness import generator

COLUMNS = ["id", "statement", "value", "low", "high", "requirement", "verdict", "reason"]
BOUNDS = {"at_least", "at_most"}


def read_claims(path: str | Path) -> list[dict]:
    """Read the claims from their .yaml file."""
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


def check(
    claims: list[dict], profile: str, seed: int, images: dict[str, str] | None = None
) -> pd.DataFrame:
    """Judge every claim.

    Parameters
    ----------
    claims
        What `read_claims` returned.
    profile
        Size of the run, ``"full"`` or ``"quick"``.
    seed
        Seed of the whole run, for the bootstrap.
    images
        The provenance of the run's images, None if it has none.

    Returns
    -------
    pandas.DataFrame
        A row a claim, with `COLUMNS`; the verdict is PASS, FAIL or NOT TESTED.
    """
    rows = [_judge(claim, profile, seed, images) for claim in claims]
    return pd.DataFrame(rows, columns=COLUMNS)


def _judge(claim: dict, profile: str, seed: int, images: dict[str, str] | None) -> dict:
    row = {"id": claim["id"], "statement": claim["statement"], "requirement": _requirement(claim)}
    if profile not in claim["profiles"]:
        wanted = " or ".join(claim["profiles"])
        return row | {"verdict": "NOT TESTED", "reason": f"needs the {wanted} run"}
    dataset = claim.get("dataset")
    if dataset is not None and (images is None or images["dataset"] != dataset):
        there = "no images" if images is None else images["name"]
        return row | {"verdict": "NOT TESTED", "reason": f"needs {dataset}; this run has {there}"}
    if not BOUNDS.intersection(claim):
        return row | {"verdict": "FAIL", "reason": "the claim has neither at_most nor at_least"}
    try:
        chosen = _select(pd.read_csv(claim["table"]), claim["where"])
        values = pd.to_numeric(chosen[claim["column"]])
        levels = _levels(chosen.assign(value=values))
    except (OSError, KeyError, TypeError, ValueError) as error:  # ValueErrors include pandas' own
        return row | {"verdict": "FAIL", "reason": f"{claim['table']} cannot be used: {error}"}
    if chosen.empty or not np.isfinite(values).all():
        return row | {
            "verdict": "FAIL",
            "reason": "the table has no such rows, or not all are finite",
        }
    low_bound, high_bound = claim.get("at_least", -np.inf), claim.get("at_most", np.inf)
    rng = generator(seed, "claims", claim["id"])
    measured = [_interval(level, rng) for level in levels]
    # the worst one is the one that comes nearest to a bound, or farthest beyond it
    value, low, high = max(measured, key=lambda m: max(m[2] - high_bound, low_bound - m[1]))
    return row | {
        "value": value,
        "low": low,
        "high": high,
        "verdict": "PASS" if low >= low_bound and high <= high_bound else "FAIL",
        "reason": f"{len(chosen)} rows of {claim['table']}",
    }


def _requirement(claim: dict) -> str:
    bounds = [
        f"{word} {claim[key]:g}"
        for key, word in (("at_least", ">="), ("at_most", "<="))
        if key in claim
    ]
    return f"{claim['column']} {' and '.join(bounds)}"


def _select(table: pd.DataFrame, where: dict) -> pd.DataFrame:
    """Return the rows in which every column has its value, or lies within {from, to}."""
    for column, wanted in where.items():
        if isinstance(wanted, dict):
            keep = table[column].between(wanted.get("from", -np.inf), wanted.get("to", np.inf))
        else:
            keep = table[column] == wanted
        table = table[keep]
    return table


def _levels(chosen: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows of each noise level apart where they have seeds, else all rows together."""
    if "seed" not in chosen or chosen["seed"].isna().all():
        return [chosen]
    levels = [level for _, level in chosen.groupby("sigma")]
    if sum(map(len, levels)) < len(chosen):
        raise ValueError("rows with a seed need a sigma")
    return levels


def _interval(level: pd.DataFrame, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return a value with its interval.

    Learned numbers have seeds: their mean, with its bootstrap interval. Exact ones have none: the
    largest, with the range of all rows.
    """
    values = level["value"].to_numpy()
    if "seed" not in level or level["seed"].isna().all():
        return values.max(), values.min(), values.max()
    return float(values.mean()), *bootstrap_interval(values, rng)


def as_text(table: pd.DataFrame) -> str:
    """Return the verdicts as a Markdown table."""
    lines = ["| verdict | claim | measured | required |", "| --- | --- | --- | --- |"]
    for row in table.itertuples():
        measured = row.reason
        if row.verdict != "NOT TESTED" and pd.notna(row.value):
            measured = f"{row.value:.3g} [{row.low:.3g}, {row.high:.3g}]"
        lines.append(
            f"| {row.verdict} | **{row.id}** {row.statement} | {measured} | {row.requirement} |"
        )
    return "\n".join(lines) + "\n"
