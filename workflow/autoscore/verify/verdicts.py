"""One verdict per statement of the paper, by rule from the places of its checks.

Of a statement's own families those places count that are clear and that no null model passes; of
its headline family, the one that says most directly what the paper says, `MAJORITY` decides:

============================  ====================================================================
supported                     every place that counts holds
supported within limits       the headline holds at half of its places or more; others fail
not supported                 it holds at fewer, or only where that is no support
contradicted                  it holds at no place, and fails at some
not tested                    no place of the headline was measured, or it holds by construction
============================  ====================================================================
"""

import pandas as pd

VERDICTS = ("supported", "supported within limits", "not supported", "contradicted", "not tested")
MAJORITY = 0.5  # of the headline's places
COUNTS = ["support", "limit", "unclear", "calibration", "construction", "reported"]
COLUMNS = ["statement", "says", "verdict", "headline", *COUNTS, "differs", "number", "limits"]


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
        anywhere = headline.isin(["calibration", "reported"]).any()
        return "contradicted" if fails and not anywhere else "not supported"
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
