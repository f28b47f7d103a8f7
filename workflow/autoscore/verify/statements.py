"""One verdict per statement of the paper, by rule from the places of its checks.

Of a statement's own families those places count that are clear and that no null model passes; of
its headline family, the one that says most directly what the paper says, `MAJORITY` decides:

============================  ====================================================================
supported                     every place that counts holds
supported within limits       the headline holds at half of its places or more; others fail
not supported                 it holds at fewer, or only where a null model passes, too
contradicted                  it holds at no place, and fails at some
not tested                    no place of the headline was measured, or it holds by construction
============================  ====================================================================
"""

from pathlib import Path

import pandas as pd

from autoscore.configuration import ConfigurationError, read_yaml
from autoscore.validation.schemas import schema_mistakes

SCHEMA = Path(__file__).parents[2] / "schemas" / "statements.schema.yaml"
VERDICTS = ("supported", "supported within limits", "not supported", "contradicted", "not tested")
MAJORITY = 0.5  # of the headline's places
COUNTS = ["support", "limit", "unclear", "calibration", "construction", "reported"]
COLUMNS = ["statement", "says", "verdict", "headline", *COUNTS, "differs", "number", "limits"]


def read_statements(path: str | Path, families: list[dict]) -> list[dict]:
    """Read what the paper says and shows, in its order; each item has its ``title``.

    Raises ConfigurationError if a key is unknown, an item names no family, its headline is none of
    its families, or a family belongs to no item.
    """
    items = read_yaml(path)
    mistakes = schema_mistakes(read_yaml(SCHEMA), items, "the list of statements")
    if not mistakes:
        known = {family["id"] for family in families}
        for item in items:
            item["title"] = f"{item['kind'].capitalize()} {item['number']}"
            own = item.get("families", [])
            for name in [*own, *item.get("further", [])]:
                if name not in known:
                    mistakes.append(f"{item['title']} names the family {name}, which is unknown")
            if own and item.get("headline") not in own:
                mistakes.append(f"{item['title']} needs a headline, one of its families")
        named = {name for item in items for name in [*item.get("families", []),
                                                     *item.get("further", [])]}  # fmt: skip
        mistakes += [f"the family {name} belongs to no statement" for name in known - named]
    if mistakes:
        lines = [f"The statements in {path} cannot be used:", *(f"  {line}" for line in mistakes)]
        raise ConfigurationError("\n".join(lines))
    return items


def verdicts(items: list[dict], places: pd.DataFrame) -> pd.DataFrame:
    """Return a row per statement, `COLUMNS`, from the places of `autoscore.verify.judging`."""
    return pd.DataFrame([_verdict(item, places) for item in items], columns=COLUMNS)


def _verdict(item: dict, places: pd.DataFrame) -> dict:
    own = places[places["family"].isin(item.get("families", []))]
    of_headline = own[own["family"] == item.get("headline")]
    counts = own["counts"].value_counts()
    row = {"statement": item["title"], "says": item["says"], "headline": item.get("headline", "")}
    row |= {name: int(counts.get(name, 0)) for name in COUNTS}
    row["verdict"] = _rule(of_headline["counts"], own["counts"])
    row["differs"] = int(own["differs"].sum())
    row["number"] = share_in_words(of_headline)
    row["limits"] = "; ".join(limits(own))
    return row


def _rule(headline: pd.Series, own: pd.Series) -> str:
    holds, fails = (headline == "support").sum(), (headline == "limit").sum()
    if (headline == "construction").any() or not headline.isin(COUNTS).any():
        return "not tested"
    if not holds:
        return "contradicted" if fails else "not supported"
    if holds < MAJORITY * (holds + fails):
        return "not supported"
    return "supported within limits" if (own == "limit").any() else "supported"


def share_in_words(places: pd.DataFrame) -> str:
    """Return at how many of the places that count a family holds."""
    counts = places["counts"].value_counts()
    holds, fails = counts.get("support", 0), counts.get("limit", 0)
    return f"holds at {holds} of {holds + fails} places" if holds + fails else ""


def limits(places: pd.DataFrame) -> list[str]:
    """Return where families fail, one line per family, with the range of what was measured."""
    lines = []
    for family, part in places.groupby("family", sort=False):
        failing = part[part["counts"] == "limit"]
        if len(failing):
            low, high = failing["value"].min(), failing["value"].max()
            span = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
            count = (part["counts"] == "support").sum() + len(failing)
            lines.append(f"{family} fails at {len(failing)} of {count} places ({span})")
    return lines
