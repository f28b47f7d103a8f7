import pandas as pd
import pytest
import yaml

from tests.workflow.project import TINY

pytestmark = pytest.mark.slow


def claim(name, at_most, **more):
    return more | {
        "id": name,
        "paper": "T1",
        "statement": "An error is small.",
        "table": "results/score/errors.csv",
        "where": {"density": "mixture", "reference": "optimum"},
        "column": "relative_error",
        "at_most": at_most,
    }


TRUE, FALSE = claim("true", 1e9), claim("false", -1.0)
LARGE = claim("large", -1.0, quick="it takes an hour")
ELSEWHERE = claim("elsewhere", -1.0, targets=["spiral"])


@pytest.mark.parametrize(
    ("claims", "verdicts"),
    [
        ([TRUE, LARGE, ELSEWHERE], ["PASS", "NOT TESTED", "NOT TESTED"]),
        ([TRUE, FALSE, LARGE], ["PASS", "FAIL", "NOT TESTED"]),
    ],
)
def test_verify_fails_if_a_claim_does_and_shows_all(project, claims, verdicts):
    project.rewrite(
        "config/claims.yaml",
        lambda _: yaml.safe_dump({"paper": {"T1": "T1, a theorem"}, "claims": claims}),
    )
    outcome = project.snakemake("verify")
    assert (outcome.code != 0) == ("FAIL" in verdicts)
    table = pd.read_csv(project.folder / "results/verify/claims.csv")
    assert table["verdict"].tolist() == verdicts
    readable = (project.folder / "results/verify/claims.md").read_text(encoding="utf-8")
    for wanted, verdict in zip(claims, verdicts, strict=True):
        assert f"| {verdict} | **{wanted['id']}" in readable
        assert any(
            verdict in line and wanted["id"] in line for line in outcome.text.splitlines()
        ), outcome.text
    for engine in ("Traceback", "CalledProcessError"):
        assert engine not in outcome.text


def test_a_slip_in_a_density_s_name_stops_the_run_before_it_begins(project):
    project.rewrite(
        "config/claims.yaml", lambda text: text.replace("[three_wells]", "[three_wels]")
    )
    before = project.made("*")
    outcome = project.snakemake("verify")
    assert outcome.code != 0
    assert (
        "about the density three_wels, which no configuration has; did you mean three_wells?"
        in (outcome.text)
    )
    assert "Traceback" not in outcome.text
    assert project.made("*") == before


def test_a_run_that_tests_fewer_claims_than_its_profile_is_no_success(project):
    written = {"paper": {"T1": "T1, a theorem"}, "claims": [TRUE, ELSEWHERE]}
    recorded = {"tested": {"quick": {"digits": 2}}}
    project.rewrite("config/claims.yaml", lambda _: yaml.safe_dump(written | recorded))
    outcome = project.snakemake("verify")
    assert outcome.code == 0, outcome.text
    assert "not compared with the number on record, because the configuration" in outcome.text
    # as if the tiny run were the whole profile
    project.rewrite("config/quick.yaml", lambda _: TINY)
    outcome = project.snakemake("verify")
    assert outcome.code != 0
    assert "only 1 were tested, where 2 are on record" in outcome.text.splitlines()[-2]


def test_a_mistake_in_the_claims_stops_the_run_before_it_begins(project):
    wrong = claim("wrong", 1.0, at_mots=1.0)
    project.rewrite(
        "config/claims.yaml", lambda _: yaml.safe_dump({"paper": {"T1": "T1"}, "claims": [wrong]})
    )
    outcome = project.snakemake("verify")
    assert outcome.code != 0
    assert "wrong.at_mots is not a key; did you mean at_most?" in outcome.text
    assert "Traceback" not in outcome.text
