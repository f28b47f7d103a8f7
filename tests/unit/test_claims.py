import numpy as np
import pandas as pd
import pytest
import yaml

from autoscore.claims import COLUMNS, as_text, check, read_claims
from tests.unit.oracles import ROOT

CLAIM = {
    "id": "T0",
    "statement": "It holds.",
    "table": "table.csv",
    "where": {},
    "column": "error",
    "profiles": ["full", "quick"],
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(**columns):
    pd.DataFrame(columns).to_csv("table.csv", index=False)


def judge(profile="full", **change):
    table = check([CLAIM | change], profile, 0)
    assert list(table.columns) == COLUMNS
    return table.iloc[0]


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [
        ({"at_most": 0.3}, "PASS"),
        ({"at_most": 0.29}, "FAIL"),
        ({"at_least": 0.1}, "PASS"),
        ({"at_least": 0.11}, "FAIL"),
        ({"at_least": 0.1, "at_most": 0.3}, "PASS"),
        ({"at_least": 0.1, "at_most": 0.2}, "FAIL"),
        ({"at_least": 0.2, "at_most": 0.3}, "FAIL"),
    ],
)
def test_every_exact_row_must_keep_within_the_bounds(bounds, verdict):
    write(sigma=[0.1, 0.2, 0.4], error=[0.1, 0.3, 0.2])
    row = judge(**bounds)
    assert row["verdict"] == verdict
    assert (row["value"], row["low"], row["high"]) == (0.3, 0.1, 0.3)


@pytest.mark.parametrize(
    ("found", "verdict", "word"),
    [("mnist", "PASS", "rows"), ("digits", "NOT TESTED", "has digits"), (None, "NOT TESTED", "no")],
)
def test_a_claim_on_images_needs_them(found, verdict, word):
    write(sigma=[0.1], error=[0.1])
    images = {"dataset": found, "name": found} if found else None
    row = check([CLAIM | {"dataset": "mnist", "at_most": 1.0}], "full", 0, images).iloc[0]
    assert row["verdict"] == verdict
    assert word in row["reason"]


def test_rows_without_a_seed_are_exact():
    write(sigma=[0.1, 0.2], seed=[np.nan, np.nan], error=[0.1, 0.3])
    assert judge(at_most=0.29)["verdict"] == "FAIL"
    assert judge(at_most=0.3)["verdict"] == "PASS"


def test_the_interval_over_seeds_is_judged_and_not_its_mean():
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    write(sigma=[0.1] * 5, seed=range(5), error=values)
    row = judge(at_most=0.35)
    assert row["value"] == pytest.approx(0.3)
    # sd / sqrt(5) = 0.063 is the standard error of a resampled mean
    assert row["high"] == pytest.approx(0.3 + 1.96 * values.std() / np.sqrt(5), abs=0.01)
    assert row["low"] == pytest.approx(0.3 - 1.96 * values.std() / np.sqrt(5), abs=0.01)
    assert row["verdict"] == "FAIL"  # though the mean is below
    assert judge(at_least=0.25)["verdict"] == "FAIL"  # though the mean is above
    assert judge(at_most=0.45)["verdict"] == judge(at_least=0.15)["verdict"] == "PASS"


def test_the_worst_noise_level_counts():
    write(sigma=[0.1, 0.1, 0.2, 0.2], seed=[0, 1, 0, 1], error=[0.1, 0.1, 0.5, 0.5])
    row = judge(at_most=0.4)
    assert row["verdict"] == "FAIL"
    assert (row["value"], row["low"], row["high"]) == (0.5, 0.5, 0.5)


def test_the_worst_noise_level_counts_under_a_lower_bound():
    write(sigma=[0.1, 0.1, 0.2, 0.2], seed=[0, 1, 0, 1], error=[0.1, 0.1, 0.5, 0.5])
    assert judge(at_least=0.4)["verdict"] == "FAIL"


def test_every_noise_levels_interval_must_keep_within_the_bounds():
    write(sigma=[0.1] * 3 + [0.2] * 3, seed=[0, 1, 2] * 2, error=[0.4] * 3 + [0, 0, 1])
    assert judge(at_most=0.5)["verdict"] == "FAIL"  # the second level reaches up to 1


def test_the_same_seed_gives_the_same_interval():
    write(sigma=[0.1] * 5, seed=range(5), error=[0.1, 0.2, 0.3, 0.4, 0.5])
    assert judge(at_most=1).equals(judge(at_most=1))
    assert judge(at_most=1, id="T9")["low"] == pytest.approx(judge(at_most=1)["low"], abs=0.03)


@pytest.mark.parametrize(
    ("where", "verdict"),
    [
        ({"model": "good"}, "PASS"),
        ({"model": "bad"}, "FAIL"),
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


def test_another_profile_does_not_test():
    row = judge("quick", profiles=["full"], table="missing.csv", at_most=1)
    assert row["verdict"] == "NOT TESTED"
    assert row["reason"] == "needs the full run"
    assert np.isnan(row["value"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"table": "missing.csv"}, "missing.csv cannot be used: .*No such file"),
        ({"table": "empty.csv"}, "empty.csv cannot be used: No columns"),
        ({"where": {"colour": "red"}}, "table.csv cannot be used: 'colour'"),
        ({"where": {"sigma": 7}}, "no such rows"),
        ({"column": "broken"}, "not all are finite"),
        ({"column": "infinite"}, "not all are finite"),
    ],
)
def test_what_cannot_be_judged_fails_with_its_reason(change, reason):
    write(sigma=[0.1, 0.2], error=[0, 0], broken=[0, np.nan], infinite=[0, -np.inf])
    pd.DataFrame().to_csv("empty.csv", index=False)
    row = judge(**({"at_most": 1} | change))
    assert row["verdict"] == "FAIL"
    assert pd.Series([row["reason"]]).str.contains(reason).all()


@pytest.mark.parametrize(
    ("change", "content"),
    [
        ({"column": "colour"}, "sigma,error\n0.1,0\n"),
        ({}, "sigma,error\n0.1,nonsense\n"),
        ({}, "sigma,error\n0.1,0\n0.1,0,0,0\n"),
        pytest.param({}, "seed,error\n0,0\n"),
        pytest.param({}, "seed,sigma,error\n0,,0\n"),
    ],
    ids=["no column", "no number", "no table", "no sigma", "empty sigma"],
)
def test_one_bad_table_fails_one_claim_and_stops_no_other(change, content, tmp_path):
    (tmp_path / "table.csv").write_text(content, encoding="utf-8")
    table = check([CLAIM | {"at_most": 1} | change, CLAIM | {"profiles": []}], "full", 0)
    assert table["verdict"].tolist() == ["FAIL", "NOT TESTED"]


def test_a_claim_without_bounds_does_not_pass():
    write(sigma=[0.1], error=[1e9])
    assert judge(at_mots=0.1)["verdict"] != "PASS"


def test_the_requirement_is_spelt_out():
    write(error=[0.1])
    assert judge(at_most=1e-3)["requirement"] == "error <= 0.001"
    assert judge(at_least=1.95, at_most=2.05)["requirement"] == "error >= 1.95 and <= 2.05"


def test_verdicts_become_a_table_in_markdown():
    write(sigma=[0.1], error=[0.25])
    claims = [
        CLAIM | {"id": "A", "at_most": 1},
        CLAIM | {"id": "B", "at_most": 0.1},
        CLAIM | {"id": "C", "at_most": 1, "profiles": ["full"]},
        CLAIM | {"id": "D", "at_most": 1, "where": {"sigma": 7}},
    ]
    lines = as_text(check(claims, "quick", 0)).splitlines()
    assert lines[2:] == [
        "| PASS | **A** It holds. | 0.25 [0.25, 0.25] | error <= 1 |",
        "| FAIL | **B** It holds. | 0.25 [0.25, 0.25] | error <= 0.1 |",
        "| NOT TESTED | **C** It holds. | needs the full run | error <= 1 |",
        "| FAIL | **D** It holds. | the table has no such rows, or not all are finite "
        "| error <= 1 |",
    ]
    assert lines[1].count("|") == lines[0].count("|") == 5


def test_the_projects_claims_are_complete():
    claims = read_claims(ROOT / "config" / "claims.yaml")
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text("utf-8"))
    profiles = set(schema["properties"]["profile"]["enum"])
    assert len({claim["id"] for claim in claims}) == len(claims)
    for claim in claims:
        assert claim.keys() >= CLAIM.keys()
        assert claim.keys() <= CLAIM.keys() | {"at_most", "at_least", "dataset"}
        assert claim.keys() & {"at_most", "at_least"}
        assert set(claim["profiles"]) <= profiles
