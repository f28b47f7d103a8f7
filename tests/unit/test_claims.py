import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import t as student

from autoscore.configuration import ConfigurationError
from autoscore.figures.registry import FIGURES
from autoscore.numerics.errors import FEWEST
from autoscore.verify.checking import COLUMNS, as_text, check, conclusion, untestable
from autoscore.verify.reading import left_out, read_claims, recorded_tests
from tests.unit.oracles import CONFIG, QUICK, ROOT

CLAIM = {
    "id": "T0",
    "paper": "T0, a theorem",
    "statement": "It holds.",
    "table": "results/table.csv",
    "where": {},
    "column": "error",
    "seeds": 2,
}
UNBOUNDED = {key: CLAIM[key] for key in CLAIM if key != "seeds"} | {"paper": "T0"}
WRITTEN = UNBOUNDED | {"at_most": 1}
BELOW_B = {"where": {"model": "a"}, "less_than": {"where": {"model": "b"}}}
PAPER = yaml.safe_load((ROOT / "config" / "claims.yaml").read_text("utf-8"))["paper"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)


def write(**columns):
    pd.DataFrame(columns).to_csv("results/table.csv", index=False)


def judge(**change):
    table = check([CLAIM | change], 0, ["ring"])
    assert list(table.columns) == COLUMNS
    return table.iloc[0]


def read(*claims, profile="full", densities=None, **top):
    content = {"paper": {"T0": "T0, a theorem"}, "claims": list(claims)} | top
    Path("claims.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return read_claims("claims.yaml", profile, densities)


# --- bounds ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "value", "verdict"),
    [
        ({"at_most": 0.3}, 0.3, "PASS"),
        ({"at_most": 0.29}, 0.3, "FAIL"),
        ({"at_least": 0.1}, 0.1, "PASS"),
        ({"at_least": 0.11}, 0.1, "FAIL"),
        ({"at_least": 0.1, "at_most": 0.31}, 0.1, "PASS"),
        ({"at_least": 0.1, "at_most": 0.2}, 0.3, "FAIL"),
        ({"at_least": 0.2, "at_most": 0.3}, 0.1, "FAIL"),
        ({"equals": 0.21, "within": 0.12}, 0.1, "PASS"),
        ({"equals": 0.21, "within": 0.1}, 0.1, "FAIL"),
        ({"equals": 0.19, "within": 0.1}, 0.3, "FAIL"),
    ],
)
@pytest.mark.parametrize("seeds", [{}, {"seed": [np.nan] * 3}], ids=["no column", "no seed"])
def test_every_exact_row_must_keep_within_the_bounds(seeds, bounds, value, verdict):
    write(sigma=[0.1, 0.2, 0.4], error=[0.1, 0.3, 0.2], **seeds)
    row = judge(**bounds)
    assert row["verdict"] == verdict
    assert (row["value"], row["low"], row["high"]) == (value, 0.1, 0.3)


def test_the_interval_over_seeds_is_judged_and_not_its_mean():
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    write(sigma=[0.1] * 5, seed=range(5), error=values)
    row = judge(at_most=0.35)
    assert row["value"] == pytest.approx(0.3)
    # Student's interval, which a bootstrap of so few values stays within, and nearly is
    reach = student.ppf(0.975, 4) * values.std(ddof=1) / np.sqrt(5)
    assert 0.8 * reach < row["high"] - 0.3 < reach
    assert 0.8 * reach < 0.3 - row["low"] < reach
    assert (row["over"], row["reason"]) == ("5 seeds", "measured in results/table.csv")
    assert row["verdict"] == "FAIL"  # though the mean is below
    assert judge(at_least=0.25)["verdict"] == "FAIL"  # though the mean is above
    assert judge(equals=0.3, within=0.05)["verdict"] == "FAIL"  # though the mean is equal
    assert judge(at_most=0.49)["verdict"] == judge(at_least=0.11)["verdict"] == "PASS"


@pytest.mark.parametrize(
    "kind", [{"at_most": 9}, {"increasing": "sigma"}, {"less_than": {"where": {"model": "b"}}}]
)
@pytest.mark.parametrize(
    ("seeds", "over"),
    [(0, ""), (1, "one seed"), (FEWEST - 1, "range of 4 seeds"), (FEWEST, "5 seeds")],
)
def test_a_verdict_says_what_its_interval_is_over(kind, seeds, over):
    count = seeds or 1
    model, sigma = ["a"] * 2 * count + ["b"] * 2 * count, ([0.1] * count + [0.2] * count) * 2
    numbers = list(range(seeds)) * 4 if seeds else [np.nan] * 4
    error = np.array(sigma) + (np.array(model) == "b")
    write(model=model, sigma=sigma, seed=numbers, error=error)
    row = judge(where={"model": "a"}, seeds=1, **kind)
    if not seeds and "at_most" in kind:
        over = "range of 2 rows"
    assert (row["verdict"], row["over"]) == ("PASS", over)


def test_a_standard_error_makes_an_interval_where_there_are_no_seeds():
    write(sigma=[0.1, 0.2], error=[1.0, 1.1], spread=[0.1, 0.01])
    row = judge(standard_error="spread", at_most=1.15)
    assert (row["value"], row["verdict"]) == (1.0, "FAIL")
    assert (row["low"], row["high"]) == pytest.approx((1 - 0.196, 1 + 0.196))
    assert judge(standard_error="spread", at_most=1.2)["verdict"] == "PASS"
    assert judge(at_most=1.15)["verdict"] == "PASS"


def test_every_noise_levels_interval_must_keep_within_the_bounds():
    write(sigma=[0.1, 0.1, 0.2, 0.2], seed=[0, 1, 0, 1], error=[0.1, 0.1, 0.5, 0.5])
    for bound, worst in (({"at_most": 0.4}, 0.5), ({"at_least": 0.4}, 0.1)):
        row = judge(**bound)
        assert (row["verdict"], row["value"], row["low"], row["high"]) == ("FAIL", *3 * [worst])
    write(sigma=[0.1] * 3 + [0.2] * 3, seed=[0, 1, 2] * 2, error=[0.4] * 3 + [0, 0, 1])
    assert judge(at_most=0.5)["verdict"] == "FAIL"  # the second level reaches up to 1


def test_groups_are_told_apart_by_the_columns_named():
    write(model=["a", "a", "b", "b"], seed=[0, 1, 0, 1], error=[0.1, 0.1, 0.5, 0.5])
    assert judge(each=["model"], at_most=0.4)["value"] == 0.5
    assert "have the same seed" in judge(each=[], at_most=1)["reason"]


def test_the_same_seed_and_claim_give_the_same_interval():
    write(sigma=[0.1] * 5, seed=range(5), error=[0.1, 0.2, 0.3, 0.4, 0.5])
    assert judge(at_most=1).equals(judge(at_most=1))
    assert judge(at_most=1, id="T9")["low"] == pytest.approx(judge(at_most=1)["low"], abs=0.03)


# --- orders, directions, comparisons -----------------------------------------


@pytest.mark.parametrize(("exponent", "verdict"), [(4, "PASS"), (3.8, "FAIL")])
def test_an_order_is_fitted_in_the_logarithms(exponent, verdict):
    sigma = np.array([0.1, 0.2, 0.4])
    write(sigma=sigma, error=-5 * sigma**exponent)
    row = judge(order_in="sigma", equals=4, within=0.1)
    assert (row["verdict"], row["value"]) == (verdict, pytest.approx(exponent))
    assert row["requirement"] == "order of error in sigma = 4 +- 0.1"


def test_learned_numbers_have_an_order_for_each_seed():
    sigma = np.array([0.1, 0.2] * 3)
    orders = np.repeat([2.0, 4.0, 6.0], 2)
    write(sigma=sigma, seed=[0, 0, 1, 1, 2, 2], error=sigma**orders)
    row = judge(order_in="sigma", at_least=3)
    assert (row["verdict"], row["value"], row["low"] < 3) == ("FAIL", pytest.approx(4), True)
    assert judge(order_in="sigma", at_least=2 - 1e-9)["verdict"] == "PASS"


@pytest.mark.parametrize(
    ("errors", "rises", "falls"),
    [
        ([0.1, 0.2, 0.4], "PASS", "FAIL"),
        ([0.4, 0.2, 0.1], "FAIL", "PASS"),
        ([0.1, 0.4, 0.2], "FAIL", "FAIL"),
        ([0.1, 0.1, 0.2], "FAIL", "FAIL"),
    ],
)
def test_a_direction_must_show_at_every_step(errors, rises, falls):
    write(sigma=[0.2, 0.1, 0.4], error=np.array(errors)[[1, 0, 2]])
    assert judge(increasing="sigma")["verdict"] == rises
    assert judge(decreasing="sigma")["verdict"] == falls


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        # the seeds differ by more than the step that all of them make
        ([0.2, 0.3, 0.4], [0.3, 0.4, 0.5], "PASS"),
        ([0.1, 0.1, 0.1], [0.5, 0.05, 0.5], "FAIL"),
    ],
)
def test_a_direction_of_learned_numbers_is_judged_on_steps_paired_over_seeds(
    first, second, verdict
):
    write(sigma=[0.1] * 3 + [0.2] * 3, seed=[0, 1, 2] * 2, error=first + second)
    assert judge(increasing="sigma")["verdict"] == verdict
    assert judge(decreasing="sigma")["verdict"] == "FAIL"


@pytest.mark.parametrize(
    ("factor", "verdict"), [({}, "PASS"), ({"factor": 0.5}, "FAIL"), ({"factor": 2}, "PASS")]
)
def test_rows_are_compared_seed_by_seed(factor, verdict):
    # unpaired, the two overlap; seed 3 has no counterpart
    error, seed = [0.1, 0.4, 0.8, 99, 0.15, 0.5, 1.0], [0, 1, 2, 3, 0, 1, 2]
    write(model=["a"] * 4 + ["b"] * 3, sigma=[0.1] * 7, seed=seed, error=error)
    row = judge(where={"model": "a"}, less_than={"where": {"model": "b"}} | factor)
    assert row["verdict"] == verdict
    gap = np.array([0.1, 0.4, 0.8]) - factor.get("factor", 1) * np.array([0.15, 0.5, 1.0])
    assert row["value"] == pytest.approx(gap.mean())
    assert gap.min() <= row["low"] <= row["value"] <= row["high"] <= gap.max()


def test_every_group_is_compared_with_its_like():
    sigma, error = [0.1, 0.1, 0.2, 0.2], [0.1, 0.2, 0.5, 0.4]
    write(model=["a", "b"] * 2, sigma=sigma, error=error, other=[0.3] * 4)
    row = judge(**BELOW_B)
    assert (row["verdict"], row["value"]) == ("FAIL", pytest.approx(0.1))
    row = judge(**BELOW_B | {"where": {"model": "a", "sigma": 0.1}})
    assert row["verdict"] == "PASS"
    assert row["requirement"] == "error < that of model b (difference < 0)"
    row = judge(where={"sigma": 0.1, "model": "a"}, less_than={"column": "other"})
    assert (row["value"], row["verdict"]) == (pytest.approx(-0.2), "PASS")
    assert row["requirement"] == "error < other (difference < 0)"


@pytest.mark.parametrize(("exact", "verdict"), [(0.05, "PASS"), (0.15, "FAIL")])
def test_an_exact_number_is_compared_with_every_seed(exact, verdict):
    write(model=["a", "b", "b"], sigma=[0.1] * 3, seed=[None, 0, 1], error=[exact, 0.1, 0.2])
    row = judge(**BELOW_B)
    assert (row["verdict"], row["low"]) == (verdict, pytest.approx(exact - 0.2))
    back = judge(where={"model": "b"}, less_than={"where": {"model": "a"}})
    assert back["verdict"] == "FAIL"


@pytest.mark.parametrize(("spread", "verdict"), [(0.02, "PASS"), (0.05, "FAIL")])
def test_standard_errors_count_in_comparisons(spread, verdict):
    write(model=["a", "b"], sigma=[0.1] * 2, error=[0.2, 0.3], spread=[0.03, spread])
    row = judge(standard_error="spread", **BELOW_B)
    assert (row["verdict"], row["over"]) == (verdict, "standard error")
    assert row["high"] == pytest.approx(-0.1 + 1.96 * np.hypot(0.03, spread))


@pytest.mark.parametrize(
    ("where", "verdict"),
    [
        ({"model": "good"}, "PASS"),
        ({"model": "bad"}, "FAIL"),
        ({"model": ["good", "bad"]}, "FAIL"),
        ({"model": ["good", "other"]}, "PASS"),
        ({"n": np.inf}, "PASS"),
        ({"sigma": {"from": 0.15}}, "FAIL"),
        ({"sigma": {"to": 0.15}}, "PASS"),
        ({"sigma": {"from": 0.1, "to": 0.1}}, "PASS"),
        ({"model": "good", "sigma": {"from": 0.2}}, "FAIL"),  # no such row
    ],
)
def test_where_chooses_the_rows(where, verdict):
    write(sigma=[0.1, 0.2], model=["good", "bad"], n=[np.inf, 50], error=[0.1, 0.9])
    assert judge(where=where, at_most=0.5)["verdict"] == verdict


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"table": "missing.csv"}, "missing.csv cannot be used: .*No such file"),
        ({"table": "empty.csv"}, "empty.csv cannot be used: No columns"),
        ({"where": {"colour": "red"}}, "no column colour; it has sigma, error"),
        ({"column": "colour"}, "no column colour"),
        ({"where": {"sigma": 7}}, "no rows with sigma 7"),
        ({"where": {"sigma": {"from": 7, "to": 8}}}, "no rows with sigma from 7 to 8"),
        ({"where": {"sigma": [7, 8]}}, "no rows with sigma 7 or 8"),
        ({"column": "words"}, "Unable to parse"),
        ({"column": "broken"}, "not every broken there is finite"),
        ({"column": "infinite"}, "not every infinite there is finite"),
        ({"column": "zero", "order_in": "sigma"}, "not every zero there is finite"),
        ({"order_in": "error"}, "each with its own error"),
        ({"where": {"sigma": 0.1}, "order_in": "sigma"}, "needs two rows and more"),
        ({"standard_error": "colour"}, "no column colour"),
        ({"where": {"sigma": 0.1}, "increasing": "sigma"}, "and so no direction"),
        ({"where": {"half": 1}, "column": "error"}, "no rows with half 1"),
    ],
)
def test_what_cannot_be_judged_fails_with_its_reason(change, reason):
    broken = {"zero": [0, 1], "broken": [0, np.nan], "infinite": [0, -np.inf], "half": [np.nan, 0]}
    write(sigma=[0.1, 0.2], error=[1, 1], words=["a", "b"], **broken)
    pd.DataFrame().to_csv("empty.csv", index=False)
    row = judge(**({} if "increasing" in change else {"at_most": 1}) | change)
    assert row["verdict"] == "FAIL"
    assert re.search(reason, row["reason"]), row["reason"]


@pytest.mark.parametrize(
    "kind", [{"at_most": 9}, {"increasing": "sigma"}, {"less_than": {"column": "other"}}]
)
@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"seed": [0, 0], "sigma": [0.1, 0.2]}, "1 seed; the claim needs 2"),
        ({"seed": [0, 0], "sigma": [0.1, 0.1]}, "several rows have the same sigma and seed"),
        ({"seed": [0, None], "sigma": [0.1, 0.2]}, "some have none"),
    ],
)
def test_seeds_must_be_there_and_be_plain(kind, columns, reason):
    write(error=[1, 2], other=[3, 3], **columns)
    row = judge(**kind)
    assert (row["verdict"], reason in row["reason"]) == ("FAIL", True), row["reason"]


def test_rows_with_seeds_need_what_tells_groups_apart():
    write(seed=[0, 1], error=[1, 1])
    assert "no column sigma" in judge(at_most=1)["reason"]
    write(seed=[0, 1], sigma=[np.nan, 0.1], error=[1, 1])
    assert "some of its rows have no sigma" in judge(at_most=1)["reason"]


def test_comparisons_need_a_counterpart():
    write(model=["a", "b"], sigma=[0.1, 0.2], error=[1, 1])
    assert "nothing to compare" in judge(**BELOW_B)["reason"]
    write(model=["a", "a", "b", "b"], sigma=[0.1] * 4, seed=[0, 1, 1, 2], error=[1, 1, 2, 2])
    row = judge(**BELOW_B)
    assert (row["verdict"], "1 seeds are shared" in row["reason"]) == ("FAIL", True)


def test_one_bad_table_fails_one_claim_and_stops_no_other(tmp_path):
    (tmp_path / "results/table.csv").write_text("sigma,error\n0.1,0\n0.1,0,0,0\n")
    table = check([CLAIM | {"at_most": 1}, CLAIM | {"at_most": 1, "why_not": "so"}], 0, [])
    assert table["verdict"].tolist() == ["FAIL", "NOT TESTED"]


@pytest.mark.parametrize(
    ("found", "verdict", "word"),
    [("mnist", "PASS", "table"), ("digits", "NOT TESTED", "digits"), (None, "NOT TESTED", "no")],
)
def test_a_claim_on_images_needs_them(found, verdict, word):
    write(sigma=[0.1], error=[0.1])
    images = {"dataset": found, "name": found} if found else None
    row = check([CLAIM | {"dataset": "mnist", "at_most": 1.0}], 0, [], images).iloc[0]
    assert row["verdict"] == verdict
    assert word in row["reason"]


def test_a_claim_on_a_target_needs_it():
    write(sigma=[0.1], error=[0.1])
    assert judge(target="ring", at_most=1)["verdict"] == "PASS"
    row = judge(target="sine", at_most=1)
    needs = "needs the target sine, which this run leaves out"
    assert (row["verdict"], row["reason"]) == ("NOT TESTED", needs)


@pytest.mark.parametrize(
    ("verdicts", "recorded", "missing", "good", "said"),
    [
        (["PASS", "PASS"], 2, [], True, "2 claims, 0 failed: none"),
        (["PASS", "NOT TESTED"], None, [], True, "2 claims, 0 failed: none"),
        (["PASS", "FAIL"], 2, [], False, "2 claims, 1 failed: T1"),
        (["NOT TESTED", "NOT TESTED"], None, [], False, "; none passed, which is no success"),
        (["PASS", "NOT TESTED"], 2, [], False, "; only 1 were tested, where 2 are on record"),
        (["PASS", "NOT TESTED"], 2, ["ring"], True, "the configuration leaves out ring"),
        (["NOT TESTED", "NOT TESTED"], 2, ["ring", "images"], False, "none passed"),
    ],
)
def test_a_run_that_tests_too_little_is_no_success(verdicts, recorded, missing, good, said):
    table = pd.DataFrame({"id": ["T0", "T1"], "verdict": verdicts})
    found = conclusion(table, recorded, missing)
    assert found[0] == good
    assert said in found[1]


# --- reading -----------------------------------------------------------------


def test_a_claim_on_targets_is_one_for_each():
    change = {"statement": "It holds ({target}).", "table": "results/{target}.csv"}
    change["where"] = {"density": "{target}", "sigma": 1}
    change["targets"] = {"ring": None, "two_bumps": {"at_most": 2, "where": {"sigma": 2}}}
    paper = {"paper": "T0, a theorem", "column": "error", "seeds": FEWEST}
    ring = {"id": "T0_ring", "target": "ring", "statement": "It holds (ring).", "at_most": 1}
    ring |= {"table": "results/ring.csv", "where": {"density": "ring", "sigma": 1}}
    bumps = {"id": "T0_two_bumps", "target": "two_bumps", "statement": "It holds (two bumps)."}
    bumps |= {"table": "results/two_bumps.csv", "at_most": 2}
    bumps |= {"where": {"density": "two_bumps", "sigma": 2}}
    assert read(WRITTEN | change) == [ring | paper, bumps | paper]
    (found,) = read(WRITTEN | {"where": {"density": "ring"}})
    assert (found["id"], found["target"]) == ("T0", "ring")


@pytest.mark.parametrize(
    ("profile", "said"),
    [("full", ["Round (ring).", "It holds."]), ("quick", ["Quick (ring).", "Quick (two bumps)."])],
)
def test_a_target_and_the_quick_profile_may_say_it_in_other_words(profile, said):
    quick = {"statement": "Quick ({target})."}
    targets = {"ring": {"statement": "Round ({target})."}, "two_bumps": None}
    found = read(WRITTEN | {"targets": targets, "quick": quick}, profile=profile)
    assert [claim["statement"] for claim in found] == said


@pytest.mark.parametrize(
    ("profile", "expected"),
    [("full", (1, {}, FEWEST, None)), ("quick", (2, {"n": 3}, 2, "it takes too long"))],
)
def test_the_quick_profile_has_its_own_bounds_and_reasons(profile, expected):
    bound = WRITTEN | {"quick": {"at_most": 2, "where": {"n": 3}}}
    reason = WRITTEN | {"id": "T9", "targets": {"ring": {"quick": "it takes too long"}}}
    first, second = read(bound, reason, profile=profile)
    found = (first["at_most"], first["where"], first["seeds"], second.get("why_not"))
    assert found == expected


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"at_mots": 1}, "T0.at_mots is not a key; did you mean at_most? allowed are at_least"),
        ({"column": None}, "T0.column is None; allowed: The number that is judged."),
        ({"table": "other.csv"}, "T0.table is 'other.csv'; allowed: The .csv file of results"),
        ({"at_most": float("nan")}, "T0.at_most is nan; allowed: a finite number"),
        ({"at_most": "1e-3"}, "T0.at_most is '1e-3'; allowed: a finite number"),
        ({"where": {"n": None}}, "T0.where.n is None; allowed: a value, a list of values, or"),
        ({"where": {"n": {"form": 1}}}, "T0.where.n.form is not a key; did you mean from?"),
        ({"seeds": 0}, "T0.seeds is 0; allowed: a whole number >= 1"),
        ({"quick": {"id": "x"}}, "T0.quick.id is not a key; allowed are"),
        ({"quick": "no"}, "T0.quick is 'no'; allowed: What differs in the quick profile"),
        ({"targets": {"ring": {"at_mots": 1}}}, "T0.targets.ring.at_mots is not a key"),
        ({"paper": "T7"}, "T0.paper is 'T7'; allowed: one of T0"),
        ({"equals": 1, "within": 1}, "T0 requires at_most, equals, within; allowed: one sort of"),
        ({"less_than": {"factor": 0}}, "T0.less_than.factor is 0; allowed: a number > 0"),
    ],
)
def test_a_mistake_in_the_claims_is_named(change, line):
    with pytest.raises(ConfigurationError) as error:
        read(WRITTEN | change)
    first, only = str(error.value).splitlines()
    assert first == "The claims in claims.yaml cannot be checked:"
    assert only.startswith(f"  {line}")


@pytest.mark.parametrize(
    ("claim", "line"),
    [
        (UNBOUNDED, "T0 requires nothing; "),
        (UNBOUNDED | {"within": 0.1}, "T0 gives one of equals and within; allowed: both"),
        ({key: WRITTEN[key] for key in WRITTEN if key != "where"}, "T0 lacks where"),
        (WRITTEN | {"id": "T9", "at_most": 1, "targets": []}, "T9.targets is []; "),
        ({"paper": "T0"}, "claim 1 lacks id, statement, table, where, column"),
    ],
)
def test_what_is_missing_is_named(claim, line):
    with pytest.raises(ConfigurationError) as error:
        read(claim)
    assert str(error.value).splitlines()[1].strip().startswith(line)


def test_no_two_claims_have_the_same_name():
    with pytest.raises(ConfigurationError, match=r"T0_ring\.id is there twice"):
        read(WRITTEN | {"id": "T0_ring"}, WRITTEN | {"targets": ["ring"]})


@pytest.mark.parametrize("top", [{"claims": []}, {"paper": {}}, {"more": 1}])
def test_the_file_needs_statements_and_claims(top):
    with pytest.raises(ConfigurationError, match=next(iter(top))):
        read(WRITTEN, **top)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"at_most": 1, "targets": ["ring", "rong"]}, "T0_rong"),
        ({"at_most": 1, "where": {"density": "rong"}}, "T0"),
        ({"at_most": 1, "where": {"density": ["ring", "rong"]}}, "T0"),
        ({"less_than": {"where": {"density": "rong"}}}, "T0"),
    ],
)
def test_a_density_that_nobody_knows_is_a_mistake_with_the_nearest_name(change, name):
    assert read(UNBOUNDED | change)
    message = (
        f"  {name} is about the density rong, which no configuration has; did you mean ring\\? "
        "allowed: those of config.yaml"
    )
    with pytest.raises(ConfigurationError, match=message):
        read(UNBOUNDED | change, densities=["ring", "two_bumps"])


def test_what_a_configuration_leaves_out_of_its_profile_is_known():
    config = {"profile": "quick", "images": {}, "densities": ["mixture", "mine"]}
    Path("config.yaml").write_text("densities: {mixture: {}, ring: {}, sine: {}}", encoding="utf-8")
    Path("quick.yaml").write_text("densities: {sine: null}", encoding="utf-8")
    assert left_out(Path(), config) == ["ring"]
    del config["images"]
    assert left_out(Path(), config | {"profile": "full"}) == ["ring", "sine", "images"]


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ({"at_most": 1e-3}, "error <= 0.001"),
        ({"at_least": 1.95, "at_most": 2.05}, "error >= 1.95 and <= 2.05"),
        ({"equals": 2, "within": 0.1}, "error = 2 +- 0.1"),
        ({"increasing": "sigma"}, "error rises with sigma (least step > 0)"),
        ({"decreasing": "n"}, "error falls with n (least step < 0)"),
        (
            {"less_than": {"where": {"model": "b"}, "factor": 0.5}},
            "error < 0.5 times that of model b (difference < 0)",
        ),
        (
            {"where": {"quantity": "symmetry"}, "column": "value", "at_least": 0.9},
            "symmetry >= 0.9",
        ),
    ],
)
def test_the_requirement_is_spelt_out(requirement, words):
    assert judge(**requirement)["requirement"] == words


def test_verdicts_become_tables_in_markdown_by_statement():
    write(sigma=[0.1], error=[0.25])
    other = {"paper": "C1, a corollary"}
    claims = [
        CLAIM | {"id": "A", "at_most": 1},
        CLAIM | other | {"id": "B", "at_most": 0.1},
        CLAIM | {"id": "C", "at_most": 1, "why_not": "it takes an hour"},
        CLAIM | {"id": "D", "at_most": 1, "where": {"sigma": 7}},
    ]
    lines = as_text(check(claims, 0, [])).splitlines()
    assert lines[0] == "# Claims"
    assert lines[2] == "4 claims: 2 FAIL, 1 NOT TESTED, 1 PASS."
    first, second = lines.index("## T0, a theorem"), lines.index("## C1, a corollary")
    assert lines[first + 2].count("|") == lines[first + 3].count("|") == 5
    assert lines[first + 4 : first + 7] == [
        "| PASS | **A** It holds. | 0.25 | error <= 1 |",
        "| NOT TESTED | **C** It holds. | it takes an hour | error <= 1 |",
        "| FAIL | **D** It holds. | results/table.csv cannot be used: it has no rows with sigma 7 "
        "| error <= 1 |",
    ]
    assert lines[second + 4 :] == ["| FAIL | **B** It holds. | 0.25 | error <= 0.1 |"]
    write(sigma=[0.1] * 5, seed=range(5), error=[0.2, 0.25, 0.25, 0.25, 0.3])
    assert "| 0.25 [0.21, 0.29], 5 seeds |" in as_text(check([CLAIM | {"at_most": 1}], 0, []))


# --- the project's own -------------------------------------------------------


@pytest.fixture(scope="module", params=["full", "quick"])
def claims(request):
    return request.param, read_claims(ROOT / "config" / "claims.yaml", request.param)


def test_every_claim_says_something_of_its_own_in_a_whole_sentence(claims):
    statements = [claim["statement"] for claim in claims[1]]
    assert len(set(statements)) == len(statements)
    leaning = ("And ", "So ", "It ", "Its ", "The same", "They ", "With tied weights, too")
    assert not [said for said in statements if said.startswith(leaning) or said[-1] != "."]


def test_every_statement_and_every_target_has_a_claim(claims):
    _, found = claims
    assert {claim["paper"] for claim in found} == set(PAPER.values())
    assert {claim["target"] for claim in found if "target" in claim} == set(CONFIG["densities"])
    assert "mnist" in {claim.get("dataset") for claim in found}


def test_figures_show_statements_of_the_claims_in_their_order():
    paper = [name for name, text in PAPER.items() if text.startswith(f"{name}, ")]
    assert paper == sorted(paper, key=lambda name: ("TPC".index(name[0]), name))
    assert {name for figure in FIGURES.values() for name in figure.shows} <= set(paper)


def test_the_full_run_tests_all_claims_and_the_quick_one_half_of_them(claims):
    profile, found = claims
    there = set(CONFIG["densities"])
    if profile == "quick":
        there -= {name for name, entry in QUICK["densities"].items() if entry is None}
    tested = {
        data: sum(not untestable(claim, there, {"dataset": data, "name": data}) for claim in found)
        for data in ("mnist", "digits")
    }
    assert tested["mnist"] >= (len(found) if profile == "full" else len(found) / 2)
    assert recorded_tests(ROOT / "config" / "claims.yaml", profile) == tested
