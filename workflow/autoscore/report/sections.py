"""The report's sections: the paper's parts in its order, then what goes beyond it.

A figure of the paper opens the section it stands with. Every other figure is shown in the first
section that names it, and linked from the others.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from autoscore.report.places import ALL, NEAREST, table
from autoscore.verify.requirements import requirements_of
from autoscore.verify.verdicts import MAJORITY

IMAGES = "images"  # the subject of checks that are on no density
CELLS = {  # how a matrix shows what a statement's checks found on a density, and says it
    "holds": "holds",
    "partly": "holds in part",
    "fails": "the headline fails",
    "shared": "a null model passes, too",
    "open": "undecided, by construction, or of one training",
    "rest": "the headline is not measured here",
}
Row = dict[str, str]


def sections(
    items: Sequence[Mapping],
    verdicts: Iterable[Row],
    places: Iterable[Row],
    checks: Sequence[Mapping],
    pictures: Mapping[str, list[dict]],
) -> list[dict]:
    """Return a section per item that is no figure of the paper, in their order.

    Parameters
    ----------
    items
        What `autoscore.verify.statements.read_statements` returns.
    verdicts, places
        Rows of the tables ``statements`` and ``places`` of the stage `verify`.
    checks
        What `autoscore.verify.families.read_checks` returns.
    pictures
        What to show of each figure, by its name, in a list: one per density.

    Each section has the keys of `statement`, and ``figures``, the statements about figures of the
    paper that stand with it.
    """
    found = {row["statement"]: row for row in verdicts}
    by_family = _by_family(places, checks)
    waiting = dict(pictures)
    numbered = [item for item in items if item["kind"] == "figure"]
    drawn = {item["title"]: waiting.pop(f"figure_{item['number']}", []) for item in numbered}
    parts = []
    for item in items:
        if item["kind"] == "figure":
            continue
        opening = [
            _statement(other, found[other["title"]], by_family, drawn[other["title"]])
            for other in numbered
            if other.get("section") == item["number"]
        ]
        names = item.get("figures", [])
        own = [picture for name in names for picture in waiting.pop(name, [])]
        part = _statement(item, found[item["title"]], by_family, own)
        shown = {picture["figure"] for picture in own}
        part["elsewhere"] = [name for name in names if name in pictures and name not in shown]
        parts.append(part | {"figures": opening})
    rest = [picture for those in waiting.values() for picture in those]
    return [*parts, _rest(rest)] if rest else parts


def matrix(parts: Iterable[dict], densities: Iterable[str]) -> tuple[list[str], list[dict]]:
    """Return the subjects and the statements of a matrix: those of which something was measured.

    Statements are in the order of the sections, each after the figures that open it.
    """
    rows = [row for part in parts for row in [*part["figures"], part] if row["cells"]]
    known = {subject for row in rows for subject in row["cells"]}
    return [subject for subject in [*densities, IMAGES] if subject in known], rows


def _by_family(places: Iterable[Row], checks: Sequence[Mapping]) -> dict[str, list[dict]]:
    """Return the checks of each family with their places, subject, and words."""
    known = {check["id"]: check for check in checks}
    families: dict[str, list[dict]] = {}
    for name, rows in groupby(places, lambda row: row["check"]):
        check, own = known[name], list(rows)
        entry = {"name": name, "subject": check["target"] or IMAGES, "check": check, "places": own}
        entry |= {"family": check["family"], "tally": tally(own)}
        entry["asks"] = requirements_of(check)[0].words(check)
        entry["table"] = table([(entry, row) for row in own], ALL)
        families.setdefault(check["family"], []).append(entry)
    return families


def _statement(
    item: Mapping, verdict: Row, families: Mapping[str, list[dict]], pictures: list[dict]
) -> dict:
    """Return what to show of one statement.

    ``cells`` has an entry per subject; ``headline`` is a check of that family, if any was measured,
    and ``nearest`` a table of the place nearest to the bound of each; ``limits`` are families that
    fail somewhere; ``groups`` has all checks by subject, ``pictures`` what is drawn.
    """
    own = [check for name in item.get("families", []) for check in families.get(name, [])]
    further = [check for name in item.get("further", []) for check in families.get(name, [])]
    groups: dict[str, list[dict]] = {}
    for check in [*own, *further]:
        groups.setdefault(check["subject"], []).append(check)
    cells = {}
    for subject in groups:
        there = [check for check in own if check["subject"] == subject]
        if counts := _sum(there):
            first = _sum(check for check in there if check["family"] == verdict["headline"])
            cells[subject] = {"kind": cell_kind(first, counts), "tally": counts}
    headline = [
        (check, nearest)
        for check in families.get(verdict["headline"], [])
        if (nearest := _nearest(check["places"])) is not None
    ]
    limits = [line for line in verdict["limits"].split("; ") if line]
    anchor = slug(item["title"])
    return {
        "id": anchor,
        "title": item["title"],
        "short": item["short"],
        "says": item["says"],
        "untested": item.get("untested", ""),
        "verdict": verdict["verdict"],
        "found": verdict,
        "limits": [_limit(line, families, anchor) for line in limits],
        "cells": cells,
        "headline": headline[0][0] if headline else None,
        "nearest": table(headline, NEAREST),
        "groups": groups,
        "pictures": pictures,
    }


def _limit(line: str, families: Mapping[str, list[dict]], anchor: str) -> dict:
    """Return what the checks of a family say that fails, and links to them by subject.

    `line` is one of `autoscore.verify.verdicts.limits`, which begins with the family.
    """
    family, _, fails = line.partition(" ")
    failing = [check for check in families[family] if check["tally"]["limit"]]
    links = {check["subject"]: f"{anchor}--{check['name']}" for check in failing}
    first = failing[0]
    said = {"family": family, "says": first["check"]["says"], "asks": first["asks"]}
    return said | {"fails": fails, "links": links}


def _rest(pictures: list[dict]) -> dict:
    """Return a section of figures that no statement names."""
    words = {"title": "Other figures", "short": "about no statement", "says": "", "untested": ""}
    empty = {"verdict": "", "found": {}, "limits": [], "cells": {}, "headline": None, "groups": {}}
    return words | empty | {"id": "other", "pictures": pictures, "figures": [], "elsewhere": []}


def tally(places: Iterable[Row]) -> Counter:
    """Return how many places count as what, those left out that were not tested."""
    return Counter(row["counts"] for row in places if row["counts"])


def _sum(checks: Iterable[dict]) -> Counter:
    return sum((check["tally"] for check in checks), Counter())


def cell_kind(headline: Counter, counts: Counter) -> str:
    """Return which of `CELLS` stands for the places of the headline, and of all its checks."""
    if not headline:
        return "rest"
    if headline["support"] >= MAJORITY * (headline["support"] + headline["limit"]) > 0:
        return "partly" if counts["limit"] else "holds"
    if headline["limit"]:
        return "fails"
    return "shared" if headline["calibration"] else "open"


def _nearest(places: Iterable[Row]) -> dict | None:
    """Return the place whose value is nearest to its bound, or farthest beyond it."""
    judged = [row for row in places if row["counts"] and row["margin"]]
    return min(judged, key=lambda row: float(row["margin"]), default=None)


def slug(title: str) -> str:
    """Return a statement's title as the name of an anchor."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
