import pandas as pd
import pytest
import yaml

pytestmark = pytest.mark.slow


def claim(name, at_most, profile="quick"):
    return {
        "id": name,
        "statement": "An error is small.",
        "table": "results/score/errors.csv",
        "where": {"density": "mixture", "reference": "optimum"},
        "column": "relative_error",
        "at_most": at_most,
        "profiles": [profile],
    }


TRUE, FALSE, LARGE = claim("true", 1e9), claim("false", -1.0), claim("large", -1.0, "full")


@pytest.mark.parametrize(
    ("claims", "verdicts"),
    [
        ([TRUE, LARGE], ["PASS", "NOT TESTED"]),
        ([TRUE, FALSE, LARGE], ["PASS", "FAIL", "NOT TESTED"]),
    ],
)
def test_verify_fails_if_a_claim_does_and_shows_all(project, claims, verdicts):
    project.rewrite("config/claims.yaml", lambda _: yaml.safe_dump(claims))
    outcome = project.snakemake("verify")
    assert (outcome.code != 0) == ("FAIL" in verdicts)
    table = pd.read_csv(project.folder / "results/verify/claims.csv")
    assert table["verdict"].tolist() == verdicts
    readable = (project.folder / "results/verify/claims.md").read_text(encoding="utf-8")
    for wanted, verdict in zip(claims, verdicts, strict=True):
        assert f"| {verdict} | **{wanted['id']}**" in readable
        assert any(
            verdict in line and wanted["id"] in line for line in outcome.text.splitlines()
        ), outcome.text
    for engine in ("Traceback", "CalledProcessError"):
        assert engine not in outcome.text
