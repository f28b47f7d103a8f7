import pandas as pd
import pytest
import yaml

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


def test_a_mistake_in_the_claims_stops_the_run_before_it_begins(project):
    wrong = claim("wrong", 1.0, at_mots=1.0)
    project.rewrite(
        "config/claims.yaml", lambda _: yaml.safe_dump({"paper": {"T1": "T1"}, "claims": [wrong]})
    )
    outcome = project.snakemake("verify")
    assert outcome.code != 0
    assert "wrong.at_mots is not a key; did you mean at_most?" in outcome.text
    assert "Traceback" not in outcome.text
