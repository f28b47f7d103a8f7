"""One verdict per statement of the paper, by rule from the places of its checks.

Places count as support, as limits, or as neither (`autoscore.verify.judging`). Of its headline
family, the one that says most directly what the paper says, `MAJORITY` decides:

============================  ====================================================================
supported                     the headline has support, and no family of the statement a limit
supported within limits       support at half of the headline's places that count, or more
not supported                 support at fewer; or at none, but it holds where that is no support
contradicted                  the headline fails somewhere, and holds nowhere
not tested                    nothing was measured, or it holds by construction
============================  ====================================================================
"""

import pandas as pd

VERDICTS = ("supported", "supported within limits", "not supported", "contradicted", "not tested")
MAJORITY = 0.5  # of the headline's places
COUNTS = ["support", "limit", "unclear", "calibration", "construction", "reported"]
COLUMNS = ["statement", "short", "says", "verdict", "headline", *COUNTS]
COLUMNS += ["differs", "number", "limits"]


def verdicts(items: list[dict], places: pd.DataFrame) -> pd.DataFrame:
    """Return a row per statement, `COLUMNS`, from the places of `autoscore.verify.judging`."""
    return pd.DataFrame([_verdict(item, places) for item in items], columns=COLUMNS)


def _verdict(item: dict, places: pd.DataFrame) -> dict:
    own = places[places["family"].isin(item.get("families", []))]
    of_headline = own[own["family"] == item.get("headline")]
    counts = own["counts"].value_counts()
    row = {"statement": item["title"], "short": item["short"], "says": item["says"]}
    row["headline"] = item.get("headline", "")
    row |= {name: int(counts.get(name, 0)) for name in COUNTS}
    row["verdict"] = _rule(of_headline["counts"], own["counts"])
    row["differs"] = int(own["differs"].sum())
    row["number"] = "" if row["verdict"] == "not tested" else share_in_words(of_headline)
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
    """Return at how many of the places that count a family holds, and where null models do."""
    counts = places["counts"].value_counts()
    holds, fails, shared = (counts.get(kind, 0) for kind in ("support", "limit", "calibration"))
    if holds + fails:
        said, more = f"holds at {holds} of {holds + fails} places", " more"
    else:
        said, more = "counts at no place", ""
    return said + (f"; at {shared}{more} a null model passes, too" if shared else "")


def limits(places: pd.DataFrame) -> list[str]:
    """Return where families fail, one line per family, with the range of what was measured.

    Places where a null model passes, too, count neither way, and are named last.
    """
    lines = []
    for family, part in places.groupby("family", sort=False):
        failing = part[part["counts"] == "limit"]
        if len(failing):
            low, high = failing["value"].min(), failing["value"].max()
            span = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
            count = (part["counts"] == "support").sum() + len(failing)
            line = f"{family} fails at {len(failing)} of {count} places ({span})"
            shared = (part["counts"] == "calibration").sum()
            beside = f", and holds at {shared} more, as a null model does" if shared else ""
            lines.append(line + beside)
    return lines
