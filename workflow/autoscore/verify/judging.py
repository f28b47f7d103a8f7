"""Judging every check of a run, place by place, against its bounds, null models and the record."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from autoscore.verify.query import Measured, Place, in_words
from autoscore.verify.record import TIE, thresholds
from autoscore.verify.requirements import Judged, comparison, requirements_of

NULLS = ("identity", "untrained", "gaussian", "kde")  # models that a learned one has to beat
PLACES = ["check", "family", "of", "place", "value", "against", "margin", "low", "high", "error"]
PLACES += ["count", "outcome", "expected", "differs", *NULLS, "passed_by", "single", "status"]
PLACES += ["counts", "reason"]
LEVEL = 0.95  # of intervals
LEFT_OUT = "needs "  # how the reason begins if a run leaves out what a check is about


def judge(
    checks: list[dict],
    record: pd.DataFrame,
    targets: Collection[str],
    images: dict[str, str] | None = None,
) -> pd.DataFrame:
    """Judge every check of `autoscore.verify.families.read_checks`; return a row per place.

    `record` is that of the run's profile (`autoscore.verify.record.read`), `targets` are the run's
    densities, `images` the provenance of its images. The columns are `PLACES`: ``outcome`` is what
    this run alone says (holds, fails, unclear, not tested), ``status`` what is concluded, which is
    the record unless the run ``differs``; ``counts`` says as what a place counts for a statement:
    support, calibration (a null model passes), construction (it holds by construction), reported
    (of one training), limit, unclear or nothing.
    """
    tables: dict[str, dict] = {}
    rows = []
    for check in checks:
        if reason := untestable(check, targets, images):
            rows.append(_untested(check, "", reason))
        else:
            rows += _judged(check, tables, record)
    words = dict.fromkeys(("passed_by", "counts", "reason"), "") | {"single": False}
    places = pd.DataFrame([words | row for row in rows], columns=PLACES)
    return _compared(places, record)


def untestable(check: dict, targets: Collection[str], images: dict[str, str] | None) -> str | None:
    """Return why a run cannot test a check, None if it can; parameters are those of `judge`."""
    target, dataset = check.get("target"), check.get("dataset")
    if target is not None and target not in targets:
        return f"{LEFT_OUT}the density {target}, which this run leaves out"
    if dataset is not None and (images is None or images["dataset"] != dataset):
        there = "no images" if images is None else images["name"]
        return f"{LEFT_OUT}{dataset}; this run has {there}"
    return None


def _untested(check: dict, place: str, reason: str) -> dict:
    row = {"check": check["id"], "family": check["family"], "of": check["of"], "place": place}
    return row | {"outcome": "not tested", "reason": reason}


def _judged(check: dict, tables: dict[str, dict], record: pd.DataFrame) -> list[dict]:
    """Return the rows of one check; what was expected and is not there has a row, too."""
    (requirement,) = requirements_of(check)
    known = record.loc[[check["id"]]] if check["id"] in record.index else record.iloc[:0]
    try:
        table = _of_density(check, tables)
        found = requirement.judge(table, check)
        nulls = {name: passed(table, check, name) for name in NULLS}
    except (OSError, TypeError, ValueError) as error:  # ValueErrors include pandas' own
        found, nulls = {}, {}
        reason = f"{check['table']} cannot be used: {error}"
    else:
        reason = "" if found else f"{check['table']} has no rows for it"
    rows = [_row(check, place, one, nulls) for place, one in found.items()]
    there = {row["place"] for row in rows}
    missing = [place for _, place in known.index if place not in there]
    if reason and not missing:
        rows.append(_untested(check, "", reason))
    rows += [_untested(check, place, reason or "not measured") for place in missing]
    return rows


def _of_density(check: dict, tables: dict) -> pd.DataFrame:
    """Return a check's table, of which only its density's rows if it has several densities'."""
    file, density = check["table"], check["where"].get("density")
    if file not in tables:
        whole = pd.read_csv(file, low_memory=False)
        texts = whole.select_dtypes(exclude=["number", "bool"])
        whole[texts.columns] = texts.astype(object)  # are compared twenty times as fast as strings
        tables[file] = {None: whole}
        if "density" in whole:
            tables[file] |= dict(iter(whole.groupby("density")))
    parts = tables[file]
    return parts.get(density, parts[None].iloc[:0]) if isinstance(density, str) else parts[None]


def passed(table: pd.DataFrame, check: dict, null: str) -> dict[Place, Judged]:
    """Return what a null model in the place of the check's own is judged at, by place.

    A family says under ``nulls`` what else than the column ``model`` names a null model.
    """
    change = check.get("nulls", {}).get(null)
    if change is None:
        if "nulls" in check or not is_learned(check):
            return {}
        change = {"model": null}
    (requirement,) = requirements_of(check)
    places = [name for name in check.get("places", []) if name not in change]
    changed = check | {"where": check["where"] | change}
    key = comparison(check)
    if key and "where" in check[key]:  # what the family compares with stays what it is
        own = {name: check["where"][name] for name in change if name in check["where"]}
        changed[key] = check[key] | {"where": own | check[key]["where"]}
    if "places" in check:
        changed["places"] = places
    return requirement.judge(table, changed)


def is_learned(check: dict) -> bool:
    """Return whether a check is about a trained model that null models could stand for."""
    model = check["where"].get("model")
    return model is not None and model not in ("exact", *NULLS) and not check.get("construction")


def _row(check: dict, place: Place, one: Judged, nulls: dict[str, dict[Place, Judged]]) -> dict:
    low, high = interval(one.number)
    row = {
        "check": check["id"], "family": check["family"], "of": check["of"],
        "place": in_words(place), "value": one.value, "against": one.against,
        "margin": one.margin, "low": low, "high": high, "error": one.number.error,
        "count": one.number.count, "outcome": outcome(one, low, high),
    }  # fmt: skip
    passing = []
    for name, judged in nulls.items():
        for other, null in judged.items():
            if set(other) <= set(place):
                row[name] = null.value
                passing += [name] if null.margin >= 0 else []
    row["passed_by"] = " ".join(passing)
    row["single"] = bool(check.get("single") or np.isnan(one.number.error))
    kind = "reported" if row["single"] else "support"
    kind = "calibration" if passing else kind
    row["counts"] = "construction" if check.get("construction") else kind
    row["reason"] = "" if row["outcome"] != "not tested" else "what is judged is no number"
    return row


def interval(number: Measured) -> tuple[float, float]:
    """Return the 95 % interval of a mean: Student's over few values; a point without an error."""
    from scipy.special import stdtrit

    error = np.nan_to_num(number.error)
    freedom = max(min(number.count, 1e6) - 1, 1)
    reach = error * float(stdtrit(freedom, 0.5 + LEVEL / 2)) if error else 0.0
    return number.mean - reach, number.mean + reach


def outcome(one: Judged, low: float, high: float) -> str:
    """Return whether a place holds or fails, unclear if the interval has a bound in it."""
    if np.isnan(one.margin):
        return "not tested"
    if -TIE <= one.margin < 0:
        return "unclear"
    if one.least <= low and high <= one.most:
        return "holds"
    return "fails" if high < one.least or low > one.most else "unclear"


def _compared(places: pd.DataFrame, record: pd.DataFrame) -> pd.DataFrame:
    """Put beside each place what is on record, whether it differs, and what to conclude."""
    keys = pd.MultiIndex.from_frame(places[["check", "place"]])
    expected = record["expected"].reindex(keys).fillna("").to_numpy()
    strays = thresholds(record).reindex(keys).to_numpy(float) if len(record) else np.nan
    margin = places["margin"].to_numpy(float)
    tested = ~np.isnan(margin)
    outcome = places["outcome"].to_numpy()  # a run that is unclear itself contradicts nothing
    with np.errstate(invalid="ignore"):
        differs = (expected == "holds") & (-margin > strays) & (outcome == "fails")
        differs |= (expected == "fails") & (margin > strays) & (outcome == "holds")
    asked = ~places["reason"].str.startswith(LEFT_OUT).to_numpy(bool)
    missing = ~tested & asked & np.isin(expected, ["holds", "fails"])
    away = np.where(expected == "holds", "fails", "holds")
    status = np.where(expected == "", places["outcome"], np.where(differs, away, expected))
    status = np.where(tested, status, "not tested")
    # what one training cannot support, it cannot limit
    limit = np.where(places["single"].to_numpy(bool), "reported", "limit")
    counts = np.select(
        [status == "holds", status == "fails", status == "unclear"],
        [_kinds(places["counts"], record["shared"].reindex(keys)), limit, "unclear"],
        "",
    )
    return places.assign(expected=expected, differs=differs | missing, status=status, counts=counts)


def _kinds(kinds: pd.Series, shared: pd.Series) -> np.ndarray:
    """Return what places count as where they hold; on record, null models pass as in most runs."""
    known = kinds.isin(["support", "calibration"]).to_numpy() & shared.notna().to_numpy()
    passing = shared.astype(object).to_numpy() == True  # noqa: E712 - NaN off record
    return np.where(known, np.where(passing, "calibration", "support"), kinds)
