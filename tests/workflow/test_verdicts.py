import pandas as pd
import pytest
import yaml

from autoscore.verify import record

pytestmark = pytest.mark.slow

STATEMENT = {"kind": "theorem", "number": "1", "short": "small", "says": "An error is small."}


def family(name, at_most, **more):
    return more | {
        "id": name,
        "of": "T1",
        "says": "An error is small",
        "table": "results/score/errors.csv",
        "where": {"density": "{target}", "objective": "dae", "model": "exact", "reference": "p"},
        "column": "relative_error",
        "at_most": at_most,
        "bound": "margin",
        "because": "it is a test",
        "targets": more.get("targets", {"mixture": None}),
    }


SMALL, WRONG = family("small", 1e9), family("wrong", -1.0)
ELSEWHERE = family("elsewhere", -1.0, targets={"spiral": None})


def ask(project, *families, expected=()):
    """Put families, one statement about all, and what is on record in place of the project's."""
    claims = {"paper": {"T1": "T1, a theorem"}, "families": list(families)}
    names = [one["id"] for one in families]
    item = STATEMENT | {"families": names[:1], "further": names[1:], "headline": names[0]}
    project.rewrite("config/claims.yaml", lambda _: yaml.safe_dump(claims))
    project.rewrite("config/statements.yaml", lambda _: yaml.safe_dump([item]))
    rows = [["quick", check, place, word, 1, 0.1, 12, 3, False] for check, place, word in expected]
    table = pd.DataFrame(rows, columns=record.COLUMNS)
    table.to_csv(project.folder / "config/record.csv", index=False)
    return project.snakemake("verify")


@pytest.mark.parametrize(
    ("expected", "differing"),
    [
        ([], []),
        ([("small_mixture", "holds"), ("wrong_mixture", "fails")], []),
        ([("small_mixture", "holds"), ("wrong_mixture", "holds")], ["wrong_mixture"]),
        ([("small_mixture", "fails"), ("wrong_mixture", "fails")], ["small_mixture"]),
    ],
)
def test_verify_fails_if_a_check_differs_from_its_record_either_way(project, expected, differing):
    errors = pd.read_csv(project.folder / "results/score/errors.csv")
    place = f"sigma {errors.loc[errors['density'] == 'mixture', 'sigma'].max():.4g}"
    outcome = ask(project, SMALL, WRONG, ELSEWHERE, expected=[(a, place, b) for a, b in expected])
    assert (outcome.code != 0) == bool(differing), outcome.text
    lines = outcome.text.splitlines()
    told = [line.split()[1] for line in lines if line.startswith("DIFFERS")]
    assert told == differing
    said = "Theorem 1, small: small"
    assert any(line.startswith("supported ") and said in line for line in lines)
    readable = (project.folder / "results/verify/verdicts.md").read_text(encoding="utf-8")
    assert "## small_mixture\n\nAn error is small (mixture; " in readable
    assert "needs the density spiral, which this run leaves out" in readable
    for engine in ("Traceback", "CalledProcessError"):
        assert engine not in outcome.text


def test_what_is_on_record_and_is_not_measured_differs_but_what_is_left_out_does_not(project):
    expected = [("small_mixture", "sigma 77", "holds"), ("elsewhere_spiral", "sigma 1", "fails")]
    outcome = ask(project, SMALL, ELSEWHERE, expected=expected)
    assert outcome.code != 0
    (line,) = (line for line in outcome.text.splitlines() if line.startswith("DIFFERS"))
    assert line == "DIFFERS  small_mixture at sigma 77: expected that it holds; not measured"


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"targets": {"three_wels": None}}, "about the density three_wels, which no configuration"),
        ({"at_mots": 1.0}, "wrong.at_mots is not a key; did you mean at_most?"),
    ],
)
def test_a_mistake_in_the_families_stops_the_run_before_it_begins(project, change, mistake):
    before = project.made("*")
    outcome = ask(project, family("wrong", 1.0) | change)
    assert outcome.code != 0
    assert mistake in outcome.text
    assert "Traceback" not in outcome.text
    assert project.made("*") == before
