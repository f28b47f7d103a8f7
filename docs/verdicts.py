"""The verdicts of the last full run, as the documentation shows them."""

from pathlib import Path

import pandas as pd

from autoscore.configuration import complete as completed
from autoscore.configuration import read_yaml
from autoscore.densities.registry import dimension
from autoscore.verify.families import read_checks, read_families
from autoscore.verify.judging import LEFT_OUT, NULLS
from autoscore.verify.statements import read_statements
from autoscore.verify.text import HEAD, statement_rows
from autoscore.verify.verdicts import COUNTS, verdicts
from docs.parts import table

CONFIG = Path("config/config.yaml")
CLAIMS = Path("config/claims.yaml")
ITEMS = Path("config/statements.yaml")
RESULTS = Path("results/verify/places.csv")
STORED = Path("docs/places.csv")
COLUMNS = ["check", "family", "of", "place", "value", "against", "low", "high", "outcome"]
COLUMNS += ["expected", "differs", *NULLS, "passed_by", "status", "counts"]


def store_verdicts(root: Path) -> bool:
    """Keep the places of a full run with MNIST; return whether they are new.

    A run below the project's folder that left something of it out changes nothing.
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
    """Return whether a run below the project's folder left nothing of a full run out."""
    results = root / RESULTS
    if not results.is_file():
        return False
    reasons = pd.read_csv(results, keep_default_na=False)["reason"]
    return not reasons.str.startswith(LEFT_OUT).any()


def stored(root: Path) -> pd.DataFrame:
    """Return the stored places, those of families that are no more left out."""
    places = pd.read_csv(root / STORED)
    words = ["place", "outcome", "expected", "passed_by", "status", "counts"]
    places[words] = places[words].astype(object).fillna("")
    known = {family["id"] for family in read_families(root / CLAIMS)[1]}
    return places[places["family"].isin(known)]


def judged(root: Path) -> tuple[list[dict], pd.DataFrame, pd.DataFrame]:
    """Return the statements, their verdicts by title, and the stored places."""
    items = read_statements(root / ITEMS, read_families(root / CLAIMS)[1])
    places = stored(root)
    return items, verdicts(items, places).set_index("statement"), places


def verdict_table(root: Path) -> str:
    """Return the statements' verdicts, the figures', and how many places count as what."""
    items, verdicts, places = judged(root)
    stated = [item["title"] for item in items if item["kind"] in ("theorem", "proposition",
                                                                  "section", "beyond")]  # fmt: skip
    rows = list(statement_rows(verdicts.loc[stated].reset_index()))
    dimensions = _dimensions(root, places)
    for row, title in zip(rows, stated, strict=True):
        where = dimensions.get(verdicts["headline"][title], "")
        row[HEAD.index("headline")] += f" ({where})" if where else ""
    drawn = [item for item in items if item["kind"] == "figure"]
    figures = pd.Series({item["number"]: verdicts["verdict"][item["title"]] for item in drawn})
    words = [f"{word}: {', '.join(figures.index[figures == word])}" for word in figures.unique()]
    said = f"Figures of the paper: {'; '.join(words)}." if words else ""
    return "\n".join([*table(HEAD, rows), "", said, "", totals(places)])


def _dimensions(root: Path, places: pd.DataFrame) -> dict[str, str]:
    """Return at how many places in each dimension a family holds, in words, by family.

    Dimensions where none counts, since null models pass at all, are left out.
    """
    config = completed(read_yaml(root / CONFIG))
    of_check = {
        check["id"]: dimension(config["densities"][check["target"]])
        for check in read_checks(root / CLAIMS, config)
        if check["target"] is not None
    }
    counted = places[places["counts"].isin(["support", "limit"])]
    known = counted.assign(d=counted["check"].map(of_check), held=counted["counts"] == "support")
    found: dict[str, dict[str, str]] = {}
    for (family, d), held in known.groupby(["family", "d"])["held"]:
        found.setdefault(family, {})[f"d = {d:.0f}"] = f"{held.sum()} of {len(held)} in d = {d:.0f}"
    return {
        family: "; ".join(words.values() if len(words) > 1 else words)
        for family, words in found.items()
    }


def totals(places: pd.DataFrame) -> str:
    """Return in a sentence how many checks and places there are, and what they count as."""
    tested = places[places["outcome"] != "not tested"]
    counts = tested["counts"].value_counts()
    words = ", ".join(f"{name} {counts.get(name, 0):,}" for name in COUNTS)
    return (
        f"{tested['check'].nunique():,} checks ({tested['family'].nunique()} families) at "
        f"{len(tested):,} places, which count as: {words}. Places that differ from the record: "
        f"{int(places['differs'].sum())}."
    )


def check_tables(root: Path) -> str:
    """Return, family by family, what null models pass, and on which densities it holds or fails."""
    places = stored(root)
    words, families = read_families(root / CLAIMS)
    parts = [
        "## What null models pass",
        "",
        *_nulls(places, families),
        "",
        "## Where each holds",
        "",
    ]
    for name, statement in words.items():
        own = [family for family in families if family["of"] == name]
        parts += [f"### {statement}", ""]
        for family in own:
            parts += [*_family(family, places[places["family"] == family["id"]]), ""]
    return "\n".join(parts)


def _nulls(places: pd.DataFrame, families: list[dict]) -> list[str]:
    rows = []
    for family in families:
        own = places[places["family"] == family["id"]]
        own = own[own["outcome"] != "not tested"]
        shares = []
        for null in NULLS:
            there = own[null].notna()
            passed = own["passed_by"].str.split().map(lambda names, null=null: null in names)
            shares.append(f"{int(passed.sum())} of {int(there.sum())}" if there.any() else "")
        counts = own["counts"].value_counts()
        if any(shares) or family.get("construction"):
            kind = "support" if counts.get("support", 0) else "none of it is support"
            kind = "by construction" if family.get("construction") else kind
            rows.append([f"`{family['id']}`", str(len(own)), *shares, kind])
    return table(["family", "places", *NULLS, ""], rows)


def _family(family: dict, places: pd.DataFrame) -> list[str]:
    """Return a family's sentence and a table of densities: where it holds, fails, is unclear."""
    lines = [f"**`{family['id']}`** {family['says']}. Bound from {family['bound']}: "
             f"{family['because']}."]  # fmt: skip
    rows, missing = [], []
    for check, part in places.groupby("check", sort=False):
        name = check.removeprefix(family["id"]).strip("_").replace("_", " ") or "all"
        if (part["outcome"] == "not tested").all():
            missing.append(name)
            continue
        kinds = dict(list(part.groupby("counts")))
        rows.append([name, *(_places(kinds[kind]) if kind in kinds else "" for kind in COUNTS)])
    if rows:
        lines += ["", *table(["density", *COUNTS], rows)]
    if missing:
        lines += [
            "",
            f"Not measured on {', '.join(missing)}: {family.get('elsewhere', 'no rows')}.",
        ]
    return lines


def _places(places: pd.DataFrame) -> str:
    """Return how many places these are, and the range of what was measured."""
    low, high = places["value"].min(), places["value"].max()
    span = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
    named = places["place"].iloc[0]
    named = f"{named} to {places['place'].iloc[-1]}" if len(places) > 1 else named
    return f"{len(places)}{f' ({named})' if named else ''}: {span}"
