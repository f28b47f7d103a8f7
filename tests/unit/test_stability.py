import pandas as pd
import pytest
import yaml

from autoscore.verify import record
from docs import stability
from docs.stability import agreement, main, stability_tables

CHECKS = ["a_ring", "b_ring"]
FAMILY = {
    "of": "T0", "says": "It is small", "table": "results/{target}.csv", "column": "error",
    "where": {"density": "{target}"}, "bound": "theory", "because": "it must be", "at_most": 1,
}  # fmt: skip
ITEM = {"kind": "theorem", "number": "1", "short": "small", "says": "It is small, so they say",
        "families": ["a", "b"], "headline": "a"}  # fmt: skip


@pytest.fixture
def project(tmp_path):
    """A project with two families and a statement about both."""
    for name in ("config", "docs"):
        (tmp_path / name).mkdir()
    families = [FAMILY | {"id": name} for name in "ab"]
    claims = {"paper": {"T0": "T0, a theorem"}, "families": families}
    (tmp_path / "config/claims.yaml").write_text(yaml.safe_dump(claims), encoding="utf-8")
    (tmp_path / "config/statements.yaml").write_text(yaml.safe_dump([ITEM]), encoding="utf-8")
    return tmp_path


def run_with(*statuses, differing=()):
    """The places of a run: one per check, which holds or fails, on record that all hold."""
    counts = {"holds": "support", "fails": "limit"}
    rows = [
        {"check": check, "family": check[0], "of": "T0", "place": "sigma 0.1", "margin": 1.0,
         "error": 0.1, "count": 5, "single": False, "outcome": status, "status": status,
         "expected": "holds", "differs": check in differing, "passed_by": "",
         "counts": counts[status], "value": 0.5}
        for check, status in zip(CHECKS, statuses, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_run_agrees_or_says_where_it_differs(project):
    bad = run_with("fails", "holds", differing=["a_ring"])
    found = agreement(project, "full", {1: run_with("holds", "holds"), 2: bad}).set_index("name")
    assert found["agree"].to_dict() == {"a_ring": 1, "b_ring": 2, "Theorem 1: supported": 1}
    assert found.loc["a_ring", "differing"] == "seed 2: sigma 0.1"
    assert found.loc["Theorem 1: supported", "differing"] == "seed 2: contradicted"
    swapped = agreement(project, "full", {2: bad, 1: run_with("holds", "holds")})
    assert set(swapped["name"]) == set(found.index)  # whichever run comes first


def test_the_page_shows_statements_and_the_checks_that_differ(project):
    assert stability_tables(project) is None
    bad = run_with("fails", "holds", differing=["a_ring"])
    table = agreement(project, "full", {1: run_with("holds", "holds"), 2: bad})
    table.to_csv(project / stability.STORED, index=False)
    text = stability_tables(project)
    assert "## Full run, 2 seeds" in text
    assert "1 of 2 checks agree with the record in every run." in text
    assert "| a_ring | 1 of 2 | seed 2: sigma 0.1 |" in text
    assert "| b_ring |" not in text


def test_a_seed_has_a_folder_of_its_own_and_may_leave_something_out(project, monkeypatch):
    asked = []
    monkeypatch.setattr(stability.subprocess, "run", lambda words, **how: asked.append(words))
    stability.run(project, "full", 3, "2", [])
    stability.run(project, "quick", 4, "2", ["images", "ring"])
    first, second = (" ".join(words) for words in asked)
    assert f"--directory {project}/results/seeds/full_3 --config seed=3" in first
    assert "--configfile" not in first
    changes = project / "results/seeds/quick_4/without.yaml"
    assert second.endswith(f"seed=4 --configfile config/quick.yaml {changes}")
    assert yaml.safe_load(changes.read_text()) == {"densities": {"ring": None}, "images": None}


def test_each_profile_keeps_its_own_rows_of_the_record_and_of_the_agreement(project, monkeypatch):
    asked = []
    monkeypatch.setattr(stability, "run", lambda *words: asked.append(words[1:]))
    monkeypatch.setattr(stability, "places_of", lambda *words: run_with("holds", "holds"))
    for profile in ("full", "quick"):
        for words in ([], ["--record"]):
            assert main(["3", "4", "--profile", profile, "--cores", "2", *words], project) == 0
    assert asked[:2] == [("full", 3, "2", []), ("full", 4, "2", [])]
    stored = pd.read_csv(project / stability.STORED)
    assert stored["profile"].value_counts().to_dict() == {"full": 3, "quick": 3}
    for profile in ("full", "quick"):
        assert record.read(project / stability.RECORD, profile)["expected"].eq("holds").all()
