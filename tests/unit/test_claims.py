"""Checks, place by place, against bounds, null models and the record; statements by rule."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import t as student

from autoscore.configuration import ConfigurationError, complete, merge
from autoscore.figures.registry import FIGURES
from autoscore.verify import record
from autoscore.verify.families import ALL, left_out, read_checks, read_families
from autoscore.verify.families import tables as checked_tables
from autoscore.verify.judging import PLACES, judge, untestable
from autoscore.verify.statements import read_statements
from autoscore.verify.text import as_text, conclusion, differences, lines
from autoscore.verify.verdicts import verdicts
from docs.verdicts import stored
from tests.unit.oracles import CONFIG, QUICK, ROOT

CHECK = {
    "id": "T0_ring",
    "family": "T0",
    "of": "T0",
    "target": "ring",
    "table": "results/table.csv",
    "where": {},
    "column": "error",
}
NEW = record.read("none", "full")  # nothing is on record
BELOW_B = {"where": {"model": "a"}, "less_than": {"where": {"model": "b"}}}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)


def write(**columns):
    pd.DataFrame(columns).to_csv("results/table.csv", index=False)


def judged(on_record=NEW, targets=("ring",), images=None, **change):
    table = judge([CHECK | change], on_record, targets, images)
    assert list(table.columns) == PLACES
    return table.set_index("place")


def only(**change):
    (row,) = judged(**change).to_dict("records")
    return row


def outcomes(**change):
    return judged(**change)["outcome"].to_list()


# --- one place: an interval against bounds -------------------------------------


@pytest.mark.parametrize(
    ("bounds", "outcome"),
    [
        ({"at_most": 0.3}, "holds"), ({"at_most": 0.29}, "fails"), ({"at_least": 0.3}, "holds"),
        ({"at_least": 0.31}, "fails"), ({"at_least": 0.1, "at_most": 0.2}, "fails"),
        ({"equals": 0.2, "within": 0.11}, "holds"), ({"equals": 0.4, "within": 0.05}, "fails"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("seeds", [{}, {"seed": [np.nan] * 2}], ids=["no column", "no seed"])
def test_exact_numbers_hold_or_fail_at_each_noise_level(seeds, bounds, outcome):
    write(sigma=[0.1, 0.2], error=[0.3, 0.3], **seeds)
    assert judged(**bounds)["outcome"].to_dict() == {"sigma 0.1": outcome, "sigma 0.2": outcome}
    row = only(where={"sigma": 0.1}, **bounds)
    assert row["value"] == row["low"] == row["high"] == 0.3
    assert row["counts"] == {"holds": "support", "fails": "limit"}[outcome]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_interval_over_seeds_is_student_s(count):
    values = np.linspace(0.1, 0.5, count)
    write(sigma=[0.1] * count, seed=range(count), error=values)
    spread = values.std(ddof=1) / np.sqrt(count)
    low, high = student.interval(0.95, count - 1, 0.3, spread)
    row = only(at_most=1)
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    assert outcomes(at_most=high + 1e-9) == outcomes(at_least=low - 1e-9) == ["holds"]
    assert outcomes(at_most=high - 1e-9) == outcomes(at_least=low + 1e-9) == ["unclear"]
    assert outcomes(at_most=low - 1e-9) == outcomes(at_least=high + 1e-9) == ["fails"]
    assert outcomes(equals=0.3, within=0.05) == ["unclear"]


def test_a_standard_error_is_over_as_many_values_as_the_table_says():
    write(sigma=[0.1], error=[1.0], spread=[0.1], images=[4])
    row = only(standard_error="spread", count="images", at_most=2)
    assert (row["low"], row["high"]) == pytest.approx(student.interval(0.95, 3, 1, 0.1))
    row = only(standard_error="spread", at_most=2)
    assert (row["low"], row["high"]) == pytest.approx((1 - 0.196, 1 + 0.196), abs=1e-4)


def test_one_training_is_reported_and_what_holds_by_construction_is_no_support():
    write(sigma=[0.1], error=[0.1], seed=[0])
    assert only(at_most=1)["counts"] == "reported"
    write(sigma=[0.1], error=[0.1])
    assert only(at_most=1, single=True)["counts"] == "reported"
    assert only(at_most=1, construction=True)["counts"] == "construction"
    assert only(at_least=1, construction=True)["counts"] == "limit"


@pytest.mark.parametrize(
    ("bounds", "worst"),
    [({"at_most": 1}, 0.4), ({"at_least": 0}, 0.1), ({"equals": 0.3, "within": 1}, 0.1)],
)
def test_the_worst_of_several_rows_counts(bounds, worst):
    write(sigma=[0.1] * 3, error=[0.1, 0.4, 0.3])
    assert only(rows="worst", **bounds)["value"] == worst
    write(sigma=[0.1] * 6, seed=[0] * 3 + [1] * 3, error=[0.1, 0.4, 0.3] * 2)
    assert only(rows="worst", **bounds)["value"] == worst
    assert "several rows are of sigma 0.1" in only(**bounds)["reason"]


@pytest.mark.parametrize("rows", [{}, {"rows": "worst"}], ids=["each", "worst"])
def test_a_place_that_lacks_a_number_is_not_judged_by_the_others(rows):
    write(sigma=[0.1] * 2 + [0.2] * 2, seed=[0, 1] * 2, error=[0.1, np.nan, 0.1, 0.2])
    found = judged(at_most=1, **rows)
    assert found["outcome"].to_list() == ["not tested", "holds"]
    assert found["reason"].to_list() == ["what is judged is no number", ""]
    write(sigma=[0.1, 0.2], error=[np.nan, 0.1])  # where it is undefined there is no place
    assert judged(at_most=1, **rows).index.to_list() == ["sigma 0.2"]


# --- orders, directions, comparisons -----------------------------------------


def test_every_seed_and_place_has_an_order():
    sigma = np.array([0.1, 0.2, 0.4])
    write(sigma=sigma, error=-5 * sigma**3.8)
    assert only(order_in="sigma", equals=4, within=0.1)["value"] == pytest.approx(3.8)
    sigma, orders = np.array([0.1, 0.2] * 4), np.repeat([2.0, 4.0, 5.0, 6.0], 2)
    write(sigma=sigma, seed=[0, 0, 1, 1] * 2, error=sigma**orders, model=["a"] * 4 + ["b"] * 4)
    found = judged(order_in="sigma", at_least=3, places=["model"])
    assert found["value"].to_dict() == pytest.approx({"model a": 3, "model b": 5.5})
    assert found.loc["model a", "high"] - 3 == pytest.approx(student.ppf(0.975, 1))


@pytest.mark.parametrize(
    ("errors", "rises", "falls"),
    [
        ([0.1, 0.2, 0.4], ["holds", "holds"], ["fails", "fails"]),
        ([0.4, 0.2, 0.1], ["fails", "fails"], ["holds", "holds"]),
        ([0.1, 0.4, 0.2], ["holds", "fails"], ["fails", "holds"]),
        ([0.1, 0.1, 0.2], ["unclear", "holds"], ["unclear", "fails"]),
    ],
)
def test_a_direction_is_judged_step_by_step(errors, rises, falls):
    write(sigma=[0.2, 0.1, 0.4], error=np.array(errors)[[1, 0, 2]])
    assert outcomes(increasing="sigma") == rises
    assert outcomes(decreasing="sigma") == falls
    assert judged(increasing="sigma").index.tolist() == ["sigma 0.2", "sigma 0.4"]


def test_steps_lead_from_place_to_place_of_one_group():
    write(model=["a", "a", "b", "b"], sigma=[0.1, 0.2] * 2, error=[3, 4, 1, 2])
    for places in (["model", "sigma"], ["sigma", "model"]):
        found = judged(increasing="sigma", places=places)
        assert found["outcome"].to_list() == ["holds", "holds"]
        assert found["against"].to_list() == [3, 1]


@pytest.mark.parametrize("factor", [{}, {"factor": 0.5}, {"factor": 2}])
def test_rows_are_compared_seed_by_seed(factor):
    # unpaired, the two overlap; seed 3 has no counterpart
    error, seed = [0.1, 0.4, 0.8, 99, 0.15, 0.5, 1.0], [0, 1, 2, 3, 2, 1, 0]
    error[4:] = error[6:3:-1]
    write(model=["a"] * 4 + ["b"] * 3, sigma=[0.1] * 7, seed=seed, error=error)
    row = only(where={"model": "a"}, less_than={"where": {"model": "b"}} | factor)
    gap = np.array([0.1, 0.4, 0.8]) - factor.get("factor", 1) * np.array([0.15, 0.5, 1.0])
    low, high = student.interval(0.95, 2, gap.mean(), gap.std(ddof=1) / np.sqrt(3))
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    assert row["outcome"] == ("unclear" if low < 0 < high else "holds" if high < 0 else "fails")


def test_every_place_is_compared_with_its_like():
    sigma, error = [0.1, 0.1, 0.2, 0.2, 0.4], [0.1, 0.2, 0.5, 0.4, 9]
    write(model=["a", "b"] * 2 + ["a"], sigma=sigma, error=error, other=[0.3] * 5)
    found = judged(**BELOW_B)  # and sigma 0.4, which b lacks, is left out
    assert found["outcome"].to_dict() == {"sigma 0.1": "holds", "sigma 0.2": "fails"}
    assert found["against"].to_list() == [0.2, 0.4]
    found = judged(where={"model": "a"}, less_than={"column": "other"})
    assert found["outcome"].to_list() == ["holds", "fails", "fails"]


def test_an_exact_number_is_compared_with_every_seed_and_independent_errors_add():
    write(model=["a", "b", "b"], sigma=[0.1] * 3, seed=[None, 0, 1], error=[0.05, 0.1, 0.2])
    assert only(**BELOW_B)["high"] == pytest.approx(-0.1 + student.ppf(0.975, 1) * 0.05)
    write(model=["a", "b"], sigma=[0.1] * 2, error=[0.2, 0.3], spread=[0.03, 0.04])
    row = only(standard_error="spread", **BELOW_B)
    assert (row["outcome"], row["error"]) == ("holds", pytest.approx(0.05))


# --- which rows, and what cannot be judged -------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"table": "missing.csv"}, "missing.csv cannot be used: .*No such file"),
        ({"table": "empty.csv"}, "empty.csv cannot be used: No columns"),
        ({"where": {"colour": "red"}}, "no column colour"),
        ({"where": {"sigma": {"from": 7}}}, "has no rows for it"),
        ({"column": "empty"}, "has no rows for it"),
        ({"column": "words"}, "could not convert"),
        ({"column": "zero", "order_in": "sigma"}, "what is judged is no number"),
        ({"order_in": "error"}, "an order needs two rows and more"),
        ({"places": ["empty"]}, "some of its rows have no empty"),
        ({"where": {"sigma": 0.1}, "increasing": "sigma"}, "has no rows for it"),
    ],
)
def test_what_cannot_be_judged_is_not_tested_and_says_why(change, reason):
    write(sigma=[0.1, 0.2], error=[1, 1], words=["a", "b"], empty=[np.nan] * 2, zero=[0, 1])
    pd.DataFrame().to_csv("empty.csv", index=False)
    row = only(**({} if "increasing" in change else {"at_most": 1}) | change)
    assert row["outcome"] == "not tested"
    assert re.search(reason, row["reason"]), row["reason"]


def test_where_chooses_the_rows_of_which_all_or_none_have_seeds():
    write(seed=[0, None], sigma=[0.1, 0.2], n=[np.inf, 50], error=[0.1, 0.9])
    assert "some have none" in only(at_most=1)["reason"]
    for where in ({"n": np.inf}, {"n": [np.inf, 9]}, {"sigma": {"to": 0.15}}):
        assert only(where=where, at_most=1)["value"] == 0.1


@pytest.mark.parametrize(
    ("found", "outcome"), [("mnist", "holds"), ("digits", "not tested"), (None, "not tested")]
)
def test_a_check_on_images_needs_them(found, outcome):
    write(sigma=[0.1], error=[0.1])
    images = {"dataset": found, "name": found} if found else None
    row = only(dataset="mnist", at_most=1.0, images=images)
    assert row["outcome"] == outcome
    assert (f"this run has {found or 'no images'}" in row["reason"]) == (outcome != "holds")


# --- null models ---------------------------------------------------------------


def test_a_place_that_a_null_model_passes_is_calibration():
    models = ["net", "identity", "untrained", "gaussian", "kde"]
    errors = [0.1, 1.0, 0.9, 0.4, 0.5, 0.1, 1.0, 0.9, 0.6, 0.7]
    write(model=models * 2, sigma=[0.1] * 5 + [0.2] * 5, error=errors)
    found = judged(where={"model": "net"}, at_most=0.5)
    assert found["counts"].to_list() == ["calibration", "support"]
    assert found["passed_by"].to_list() == ["gaussian kde", ""]
    assert found[models[1:]].to_numpy().ravel() == pytest.approx(errors[1:5] + errors[6:])
    failing = judged(where={"model": "net"}, at_least=0.3)
    assert failing["counts"].to_list() == ["limit", "limit"]
    assert judged(where={"model": "exact"}, at_most=0.5, nulls={})["passed_by"].eq("").all()


def test_a_null_model_stands_in_for_every_model_and_has_seeds_of_its_own():
    models, errors = ["a", "b", "gaussian", "gaussian"], [0.1, 0.6, 0.1, 0.3]
    write(model=models, sigma=[0.1] * 4, seed=[0, 0, 0, 1], error=errors)
    found = judged(where={"model": ["a", "b"]}, places=["model", "sigma"], at_most=0.5)
    assert found["outcome"].to_dict() == {
        "model a, sigma 0.1": "holds",
        "model b, sigma 0.1": "fails",
    }
    assert found["gaussian"].to_list() == pytest.approx([0.2, 0.2])
    assert found["counts"].to_list() == ["calibration", "reported"]  # of one training


def test_families_name_the_rows_of_their_null_models():
    write(field=["learned", "linear", "none"], sigma=[0.1] * 3, error=[0.1, 0.2, 0.3])
    nulls = {"gaussian": {"field": "linear"}, "kde": {"field": "kde"}}
    row = only(where={"field": "learned"}, at_most=0.5, nulls=nulls)
    assert (row["passed_by"], row["gaussian"], np.isnan(row["identity"])) == ("gaussian", 0.2, True)


def test_a_null_model_is_compared_with_what_the_learned_one_is():
    write(model=["a", "b", "kde", "gaussian"], sigma=[0.1] * 4, error=[0.1, 0.3, 0.2, 0.4])
    row = only(**BELOW_B)
    assert (row["passed_by"], row["kde"], row["gaussian"]) == ("kde", 0.2, 0.4)
    assert only(where={"model": "a"}, less_than={"where": {"model": "kde"}})["passed_by"] == ""


# --- the record ----------------------------------------------------------------


def on_record(*rows, check="T0_ring"):
    """A record of places, expectations and spreads, with margins of ten spreads."""
    made = [
        ["full", check, place, expected, 10 * spread, spread, 12, 3, False]
        for place, expected, spread in rows
    ]
    pd.DataFrame(made, columns=record.COLUMNS).to_csv("record.csv", index=False)
    return record.read("record.csv", "full")


def test_a_place_differs_where_it_is_too_far_on_the_other_side():
    write(sigma=[0.1, 0.2, 0.3, 0.4, 0.5], error=[2.0, 1.1, 0.0, 9.0, 9.0])
    known = on_record(
        ("sigma 0.1", "holds", 0.1), ("sigma 0.2", "holds", 0.1), ("sigma 0.3", "fails", 0.1),
        ("sigma 0.4", "unclear", 0.1),
    )  # fmt: skip
    found = judged(known, at_most=1)
    assert found["differs"].to_list() == [True, False, True, False, False]
    assert found["expected"].to_list() == ["holds", "holds", "fails", "unclear", ""]
    # what is concluded is the record, unless the run differs from it
    assert found["status"].to_list() == ["fails", "holds", "holds", "unclear", "fails"]
    assert found["counts"].to_list() == ["limit", "support", "support", "unclear", "limit"]
    reach = student.isf(record.ALARMS / 3, 12) * 0.1  # three places are on record with a side
    assert record.thresholds(known).iloc[0] == pytest.approx(reach)
    said = differences(found.reset_index())
    assert said[0] == "DIFFERS  T0_ring at sigma 0.1: expected that it holds; measured 2"
    assert conclusion(found.reset_index(), [])[0] is False


@pytest.mark.parametrize(("failing", "differs"), [(1, False), (5, True)])
def test_a_run_that_is_unclear_itself_contradicts_nothing(failing, differs):
    error = [3.0] * failing + [0.9] * (5 - failing)
    write(sigma=[0.1] * 5, seed=range(5), error=error)
    found = judged(on_record(("sigma 0.1", "holds", 0.01)), at_most=1)
    assert found["margin"].iloc[0] < -0.2  # far more than the spread on record lets expect
    assert found["differs"].iloc[0] == differs


def test_what_was_expected_and_is_not_there_differs():
    write(sigma=[0.1], error=[0.1])
    known = on_record(("sigma 0.1", "holds", 0.1), ("sigma 9", "holds", 0.1))
    found = judged(known, at_most=1)
    assert found["differs"].to_dict() == {"sigma 0.1": False, "sigma 9": True}
    assert found.loc["sigma 9", "reason"] == "not measured"
    found = judged(known, table="missing.csv", at_most=1)
    assert found["differs"].to_list() == [True, True]


def test_what_a_run_leaves_out_does_not_differ():
    write(sigma=[0.1], error=[0.1])
    for place in ("", "sigma 0.1"):
        row = only(on_record=on_record((place, "holds", 0.1)), targets=["sine"], at_most=1)
        assert (row["differs"], row["outcome"]) == (False, "not tested")
        assert row["reason"] == "needs the density ring, which this run leaves out"


def run_at(margin, error, single=False):
    """The places of a run with one check at one place, over five values."""
    row = {"check": "a", "family": "a", "place": "", "margin": margin, "error": error, "count": 5}
    return pd.DataFrame([row | {"single": single, "passed_by": ""}])


@pytest.mark.parametrize(
    ("margins", "errors", "expected"),
    [
        ([1.0, 1.1, 0.9], [0.1] * 3, "holds"),
        ([-1.0, -1.1, -0.9], [0.1] * 3, "fails"),
        ([0.1, 0.2, 0.15], [0.1] * 3, "unclear"),  # within two errors of the bound
        ([1.0, -0.9, 2.0], [0.1] * 3, "unclear"),  # runs differ by more than they know
        ([0.0, 0.0, 0.0], [0.0] * 3, "holds"),  # exact
    ],
)
def test_the_record_expects_what_is_clear_in_all_runs(margins, errors, expected):
    runs = [run_at(*values) for values in zip(margins, errors, strict=True)]
    (row,) = record.made("full", runs).to_dict("records")
    assert (row["expected"], row["runs"]) == (expected, len(margins))
    assert row["margin"] == pytest.approx(np.mean(margins))


def test_a_training_of_unknown_spread_is_not_on_record():
    assert record.made("full", [run_at(1.0, np.nan)]).empty
    assert record.made("full", [run_at(1.0, 0.1, single=True)]).empty  # 0.1 is over draws alone
    (row,) = record.made("full", [run_at(1.0, 0.1, single=True)] * 3).to_dict("records")
    assert (row["spread"], row["freedom"]) == (0, 2)


def test_where_null_models_pass_is_on_record_as_in_most_runs():
    runs = [run_at(1.0, 0.1).assign(passed_by=names) for names in ("", "kde", "gaussian kde")]
    assert record.made("full", runs)["shared"].to_list() == [True]
    assert record.made("full", runs[:2])["shared"].to_list() == [False]
    write(model=["net", "kde"], sigma=[0.1] * 2, error=[0.1, 0.9])
    for shared, kind in ((True, "calibration"), (False, "support")):
        known = on_record(("sigma 0.1", "holds", 0.1)).assign(shared=shared)
        row = only(on_record=known, where={"model": "net"}, at_most=0.5)
        assert (row["counts"], row["passed_by"]) == (kind, "")


def test_a_place_that_only_some_runs_have_is_not_on_record():
    here, there = run_at(1.0, 0.1), run_at(1.0, 0.1).assign(place="elsewhere")
    made = record.made("full", [pd.concat([here, there]), here, here])
    assert made["place"].to_list() == [""]
    other = run_at(1.0, 0.1).assign(check="b")  # left out of the other runs
    made = record.made("full", [pd.concat([here, other]), here])
    assert made["runs"].to_list() == [2, 1]


PLACES_SIMULATED, SEEDS = 40, 5


def simulated(means, between, streams):
    """Places of a run: a mean over seeds each, and what a whole run shifts them by."""
    shift = between * streams.standard_normal(PLACES_SIMULATED)
    noise = np.sqrt(SEEDS) * streams.standard_normal((SEEDS, PLACES_SIMULATED))
    values = means + shift + noise
    sigma, seeds = np.meshgrid(np.arange(PLACES_SIMULATED), np.arange(SEEDS))
    write(sigma=sigma.ravel(), seed=seeds.ravel(), error=values.ravel())
    return judge([CHECK | {"at_least": 0}], NEW, ["ring"])


@pytest.mark.parametrize("between", [0.0, 3.0])
def test_one_run_in_ten_differs_by_chance_and_a_wrong_number_is_caught(between):
    streams = np.random.default_rng(31)
    alarms = []
    for _ in range(6):
        # a few spreads from the bound: as hard as it gets
        means = streams.uniform(-4, 4, PLACES_SIMULATED) * np.hypot(1, between)
        means[0] = 100
        known = record.made("full", [simulated(means, between, streams) for _ in range(3)])
        known = known.set_index(["check", "place"])
        for _ in range(8):
            simulated(means, between, streams)
            alarms.append(judged(known, at_least=0)["differs"].any())
        means[0] = -100
        simulated(means, between, streams)
        assert judged(known, at_least=0)["differs"].iloc[0]
    assert np.mean(alarms) <= record.ALARMS + 2 * np.sqrt(0.09 / len(alarms))


# --- statements ----------------------------------------------------------------

ITEM = {"title": "Theorem 1", "short": "the score", "says": "what", "headline": "A",
        "families": ["A", "B"]}  # fmt: skip


def of_counts(headline, others=()):
    rows = [("A", count) for count in headline] + [("B", count) for count in others]
    table = pd.DataFrame(rows, columns=["family", "counts"]).astype(object)
    return table.assign(value=range(len(table)), differs=False)


@pytest.mark.parametrize(
    ("headline", "others", "verdict"),
    [
        (["support", "calibration", "unclear"], ["support", "calibration"], "supported"),
        (["support", "limit"], [], "supported within limits"),
        (["support"] * 3, ["limit"], "supported within limits"),
        (["support", "limit", "limit"], [], "not supported"),
        (["calibration"] * 3, ["support"], "not supported"),
        (["reported", "unclear"], [], "not supported"),
        (["calibration"] * 3 + ["limit"], [], "not supported"),  # it holds somewhere
        (["limit", "limit", "unclear"], ["support"], "contradicted"),
        ([""], ["support"], "not tested"),
        (["construction"], ["support"], "not tested"),
    ],
)
def test_the_verdict_on_a_statement_follows_from_its_places(headline, others, verdict):
    (row,) = verdicts([ITEM], of_counts(headline, others)).to_dict("records")
    assert row["verdict"] == verdict
    assert row["limit"] == [*headline, *others].count("limit")


def test_a_statement_shows_its_number_and_its_limits():
    item = {"title": "Section 2", "short": "so", "says": "what"}
    table = verdicts([ITEM, item], of_counts(["support", "limit", "limit"], ["limit"]))
    assert table["number"][0] == "holds at 1 of 3 places"
    limits = "A fails at 2 of 3 places (1 to 2); B fails at 1 of 1 places (3)"
    assert table["limits"][0] == limits
    shared = verdicts([ITEM], of_counts(["calibration"] * 2))["number"][0]
    assert shared == "counts at no place; at 2 a null model passes, too"
    assert lines(table)[-1].split() == ["not", "tested", "Section", "2"]


FAMILY = {
    "id": "T0", "of": "T0", "says": "It is small enough", "table": "results/{target}.csv",
    "where": {"density": "{target}"}, "column": "error", "bound": "theory", "because": "it must be",
}  # fmt: skip
LESS = {"at_most": 1}
WRITTEN = FAMILY | LESS
STATED = {"kind": "theorem", "number": "1", "short": "the score", "says": "what it says",
          "families": ["T0"],
          "headline": "T0"}  # fmt: skip


@pytest.mark.parametrize(
    ("items", "mistake"),
    [
        ([STATED | {"families": ["T0", "T8"]}], "Theorem 1 names the family T8, which is unk"),
        ([STATED | {"headline": "T1"}], "Theorem 1 needs a headline, one of its families"),
        ([STATED, STATED], "Theorem 1 is there twice"),
        ([STATED | {"families": []}], "the family T0 belongs to no statement"),
        ([STATED | {"famlies": []}], "0.famlies is not a key; did you mean families?"),
    ],
)
def test_a_mistake_in_the_statements_is_named(items, mistake):
    Path("statements.yaml").write_text(yaml.safe_dump([dict(item) for item in items]), "utf-8")
    with pytest.raises(ConfigurationError) as error:
        read_statements("statements.yaml", [WRITTEN])
    assert mistake in str(error.value)


# --- families ------------------------------------------------------------------

CONFIGURED = {
    "profile": "full",
    "densities": {name: {"train": {"sizes": ["exact", 500]}} for name in ("ring", "two_bumps")},
}


def read(*families, profile="full", known=None, **top):
    content = {"paper": {"T0": "T0, a theorem"}, "families": list(families)} | top
    Path("claims.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return read_checks("claims.yaml", CONFIGURED | {"profile": profile}, known)


def test_a_family_is_a_check_on_every_density():
    found = {check["id"]: check for check in read(WRITTEN)}
    assert found.keys() == {"T0_ring", "T0_two_bumps"}
    assert found["T0_ring"]["where"] == {"density": "ring"}
    assert found["T0_ring"]["table"] == "results/ring.csv"
    assert (found["T0_ring"]["family"], found["T0_ring"]["target"]) == ("T0", "ring")
    windows = {"ring": None, "two_bumps": {"at_most": 2, "where": {"sigma": 2}}, "sine": None}
    found = {check["id"]: check for check in read(WRITTEN | {"targets": windows})}
    assert found.keys() == {"T0_ring", "T0_two_bumps", "T0_sine"}
    changed = found["T0_two_bumps"]
    assert (changed["at_most"], changed["where"]) == (2, {"density": "two_bumps", "sigma": 2})
    assert "leaves out" in untestable(found["T0_sine"], CONFIGURED["densities"], None)
    quick = {"quick": {"at_most": 2, "where": {"n": 3}}}
    for profile, expected in (("full", (1, None)), ("quick", (2, 3))):
        check = read(WRITTEN | quick, profile=profile)[0]
        assert (check["at_most"], check["where"].get("n")) == expected


def test_the_tables_that_a_run_can_test_are_asked_for():
    images = {"table": "results/images.csv", "where": {}, "dataset": "mnist", "id": "T1"}
    checks = read(WRITTEN | {"targets": {"ring": None, "sine": None}}, WRITTEN | images)
    assert checked_tables(checks, CONFIGURED) == ["results/ring.csv"]
    for dataset in ("mnist", "auto"):
        asked = checked_tables(checks, CONFIGURED | {"images": {"dataset": dataset}})
        assert asked == ["results/images.csv", "results/ring.csv"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"at_most": 1e-3}, "; at every sigma; error at most 0.001"),
        ({"at_least": 1, "at_most": 2}, "; error at least 1 and at most 2"),
        ({"equals": 2, "within": 0.1, "places": []}, "(ring; error within 0.1 of 2"),
        ({"increasing": "sigma"}, "(ring; error rises at every step of sigma"),
        ({"where": {"n": "points", "sigma": 0.2}} | LESS, "; 500 points; sigma 0.2; error at"),
        ({"where": {"n": float("inf")}} | LESS, "; trained on the density itself; at every sigma"),
        ({"where": {"n": [50, 500]}} | LESS, "; n 50 or 500; at every sigma; error"),
        ({"where": {"sigma": {"from": 0.1, "to": 2}}} | LESS, "; sigma from 0.1 to 2; at every s"),
        ({"order_in": "sigma", "places": ["model"]} | LESS, "; at every model; order of error in"),
        ({"rows": "worst", "places": []} | LESS, "(ring; the worst of all rows; error at most 1"),
        ({"less_than": {"where": {"model": "b"}, "factor": 0.5}}, "less than 0.5 times that of mo"),
        ({"where": {"quantity": "skew"}, "column": "value"} | LESS, "; skew at most 1"),
    ],
)
def test_a_sentence_says_density_levels_points_and_bound(change, words):
    sentence = read(FAMILY | change)[0]["sentence"]
    assert sentence.startswith("It is small enough (ring; ")
    assert words in sentence


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"at_mots": 1}, "T0.at_mots is not a key; did you mean at_most? allowed are at_least"),
        ({"says": "It is small."}, "T0.says is 'It is small.'; allowed: What it says, for people"),
        ({"bound": "taste"}, "T0.bound is 'taste'; allowed: one of theory, reference, margin"),
        ({"at_most": float("nan")}, "T0.at_most is nan; allowed: a finite number"),
        ({"where": {"n": {"form": 1}}}, "T0.where.n.form is not a key; did you mean from?"),
        ({"where": {"density": "ring"}}, "T0.where.density is 'ring'; allowed: {target}, with the"),
        ({"quick": {"id": "x"}}, "T0.quick.id is not a key; allowed are"),
        ({"targets": {"ring": {"at_mots": 1}}}, "T0.targets.ring.at_mots is not a key"),
        ({"targets": ["ring"]}, "T0.targets is ['ring']; allowed: Densities, with what differs"),
        ({"nulls": {"linear": {}}}, "T0.nulls: 'linear' is not a name; allowed: one of identity"),
        ({"of": "T7"}, "T0.of is 'T7'; allowed: one of T0"),
        ({"equals": 1, "within": 1}, "T0 requires at_most, equals, within; allowed: one"),
        ({"less_than": {"factor": 0}}, "T0.less_than.factor is 0; allowed: a number > 0"),
    ],
)
def test_a_mistake_in_the_families_is_named(change, line):
    with pytest.raises(ConfigurationError) as error:
        read(WRITTEN | change)
    first, only_one = str(error.value).splitlines()
    assert first == "The claims in claims.yaml cannot be checked:"
    assert only_one.startswith(f"  {line}")


@pytest.mark.parametrize(
    ("families", "line"),
    [
        ([FAMILY], "T0 requires nothing; "),
        ([FAMILY | {"within": 0.1}], "T0 gives one of equals and within; allowed: both"),
        (
            [FAMILY | {"less_than": {}, "rows": "worst"}],
            "T0.rows is worst; allowed: with ",
        ),
        ([{key: WRITTEN[key] for key in WRITTEN if key != "because"}], "T0 lacks because"),
        ([{"of": "T0"}], "family 1 lacks id, says, table, where, column, bound, because"),
        ([WRITTEN, WRITTEN], "T0.id is there twice"),
        ([], "families is []"),
    ],
)
def test_what_is_missing_is_named(families, line):
    with pytest.raises(ConfigurationError) as error:
        read(*families)
    assert str(error.value).splitlines()[1].strip().startswith(line)


def test_a_density_that_nobody_knows_is_a_mistake_with_the_nearest_name():
    family = WRITTEN | {"targets": {"ring": None, "rong": None}}
    assert read(family)
    message = "  T0 is about the density rong, which no configuration has; did you mean ring\\? "
    with pytest.raises(ConfigurationError, match=message):
        read(family, known={"ring": {}, "two_bumps": {}})


def test_what_a_configuration_leaves_out_of_its_profile_is_known():
    config = {"profile": "quick", "images": {}, "densities": ["mixture", "mine"]}
    Path("config.yaml").write_text("densities: {mixture: {}, ring: {}, sine: {}}", encoding="utf-8")
    Path("quick.yaml").write_text("densities: {sine: null}", encoding="utf-8")
    assert left_out(Path(), config) == ["ring"]
    del config["images"]
    assert left_out(Path(), config | {"profile": "full"}) == ["ring", "sine", "images"]


# --- for people ------------------------------------------------------------------


def test_verdicts_become_tables_in_markdown():
    write(sigma=[0.1, 0.2], error=[0.25, 2.0])
    check = CHECK | {"at_most": 1, "sentence": "It is small.", "bound": "theory", "because": "so"}
    places = judge([check], NEW, ["ring"])
    statements = verdicts([ITEM | {"headline": "T0", "families": ["T0"]}], places)
    text = as_text(statements, places, [check])
    row = (
        "| Theorem 1 | the score | supported within limits | `T0` holds at 1 of 2 places | 1 | 1 |"
    )
    assert row in text
    assert "\n## T0_ring\n\nIt is small. It holds at sigma 0.1; it fails at sigma 0.2.\n" in text
    assert "\nBound from theory: so.\n" in text
    assert re.search(r"^\| sigma 0\.2 \| 2 \|.*\| limit \|$", text, re.MULTILINE)


def test_a_run_that_tests_nothing_is_no_success():
    good, said = conclusion(judge([CHECK | {"at_most": 1}], NEW, []), ["ring"])
    assert (good, said) == (False, "nothing could be tested, which is no success")
    write(sigma=[0.1], error=[0.25])
    good, said = conclusion(judge([CHECK | {"at_most": 1}], NEW, ["ring"]), ["images"])
    assert (good, said.endswith("0 differ from it; left out: images")) == (True, True)


# --- the project's own -----------------------------------------------------------

CLAIMS = ROOT / "config/claims.yaml"
PAPER, FAMILIES = read_families(CLAIMS)
BY_ID = {family["id"]: family for family in FAMILIES}
WORDS = {"dae": "denoising", "rcae": "contractive"}


def words_of(column, wanted):
    """All that is asked of a column, as words that a sentence should have."""
    if column in ("n", "trained_on") and not isinstance(wanted, list):
        exact = {np.inf: "trained on the density itself", str(ALL): "all points"}
        return [exact.get(str(wanted)) or exact.get(wanted) or f"{wanted:,} points"]
    parts = [*wanted.values()] if isinstance(wanted, dict) else wanted
    parts = parts if isinstance(parts, list) else [parts]
    return [
        f"{part:.4g}" if isinstance(part, float) else WORDS.get(part, str(part)).replace("_", " ")
        for part in parts
    ]


@pytest.fixture(scope="module", params=["full", "quick"])
def own(request):
    config = complete(CONFIG if request.param == "full" else merge(CONFIG, QUICK))
    return config, read_checks(CLAIMS, config, CONFIG["densities"])


def test_every_sentence_contains_density_levels_points_and_bound(own):
    _, checks = own
    assert len({check["id"] for check in checks}) == len(checks) > 100
    for check in checks:
        said = check["sentence"].replace("_", " ")
        other = check.get("less_than", {})
        asked = [*check["where"].items(), *other.get("where", {}).items()]
        wanted = [word for pair in asked for word in words_of(*pair)]
        bounds = [check.get(key) for key in ("at_least", "at_most", "equals", "within")]
        wanted += [f"{bound:g}" for bound in [*bounds, other.get("factor")] if bound is not None]
        wanted += ["less than"] * bool(other)
        missing = [word for word in wanted if word not in said]
        assert not missing, f"{check['id']} does not say {missing}: {said}"


def test_every_density_is_measured_by_a_family_or_the_family_says_why_not():
    places = stored(ROOT)
    tested = places[places["outcome"] != "not tested"]
    for name, family in BY_ID.items():
        if "{target}" in str(family):
            checks = set(tested.loc[tested["family"] == name, "check"])
            assert checks, f"{name} measures nothing"
            there = {check.removeprefix(f"{name}_") for check in checks}
            assert there >= set(CONFIG["densities"]) or "elsewhere" in family, name


def test_every_family_belongs_to_a_statement_and_most_can_be_tested_quickly(own):
    config, checks = own
    items = read_statements(ROOT / "config/statements.yaml", FAMILIES)
    images = {"dataset": "digits", "name": "digits"}
    there = {check["family"] for check in checks
             if not untestable(check, config["densities"], images)}  # fmt: skip
    stated = [item for item in items if "headline" in item]
    assert sum(item["headline"] in there for item in stated) >= len(stated) / 2


def test_figures_show_statements_of_the_paper_in_their_order():
    paper = [name for name, text in PAPER.items() if text.startswith(f"{name}, ")]
    assert paper == sorted(paper, key=lambda name: ("TPC".index(name[0]), name))
    assert {name for figure in FIGURES.values() for name in figure.shows} <= set(paper)
    assert {family["of"] for family in FAMILIES} == set(PAPER)
