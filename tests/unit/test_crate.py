"""A tiny recorded run, described, and judged by the validator of the format."""

import json
from importlib import resources

import pytest
from requests import Response
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.services import validate
from rocrate_validator.utils.http import HttpRequester

from autoscore.files.records import hashes, write_record
from autoscore.report.crate import METADATA, NoRecordsError, main, write_crate

# In RO-Crate 1.1 two terms have the addresses of their first drafts. rocrate carries the terms of
# 1.3 alone, and a test asks no network.
DRAFTS = {
    name: f"https://bioschemas.org/{name}" for name in ("ComputationalWorkflow", "FormalParameter")
}
PROFILES = ["process-run-crate-0.5", "workflow-run-crate-0.5"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run of two jobs: points made from a file that lies elsewhere, and a table of them."""
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text("1,2\n")
    run = tmp_path / "run"
    (run / "results/score").mkdir(parents=True)
    monkeypatch.chdir(run)
    made = {
        "results/points.npz": [str(elsewhere)],
        "results/score/ring.csv": ["results/points.npz"],
    }
    for name, inputs in made.items():
        (run / name).write_text(name)
        record = str((run / name).with_suffix(".json").relative_to(run))
        params = {"seed": 2014, "code": "abc", "entry": {"kind": "samples"}}
        write_record(record, "data", {"density": "ring"}, params, inputs, hashes([name]), 1, 1.25)
    return run


@pytest.fixture
def terms(monkeypatch):
    """Answer requests for the terms of RO-Crate from an installed file."""
    data = json.loads((resources.files("rocrate") / "data/ro-crate.jsonld").read_text("utf-8"))
    data["@context"] |= DRAFTS

    def get(self, url, **_):
        assert url == "https://w3id.org/ro/crate/1.1/context"
        response = Response()
        response.status_code, response.url = 200, url
        response.headers["Content-Type"] = "application/ld+json"
        response._content = json.dumps(data).encode()
        return response

    monkeypatch.setattr(HttpRequester, "get", get, raising=False)


def judged(folder, profile):
    settings = ValidationSettings(
        rocrate_uri=str(folder),
        profile_identifier=profile,
        requirement_severity=Severity.REQUIRED,
        offline=True,
    )
    return [issue.message for issue in validate(settings).get_issues()]


def graph(folder):
    entities = json.loads((folder / METADATA).read_text(encoding="utf-8"))["@graph"]
    return {entity["@id"]: entity for entity in entities}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_run_is_valid(profile, folder, terms):
    write_crate(folder)
    assert judged(folder, profile) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_the_validator_finds_what_is_wrong(profile, folder, terms):
    path = write_crate(folder)
    content = json.loads(path.read_text(encoding="utf-8"))
    for entity in content["@graph"]:
        if entity["@type"] == "CreateAction":
            del entity["instrument"]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert judged(folder, profile)


def test_every_job_names_what_it_read_and_made(folder):
    write_crate(folder)
    found = graph(folder)
    job = found["#results/score/ring.json"]
    assert job["object"] == {"@id": "results/points.npz"}
    assert {"@id": "results/score/ring.csv"} in job["result"]
    record = json.loads((folder / "results/score/ring.json").read_text(encoding="utf-8"))
    table = found["results/score/ring.csv"]
    assert table["sha256"] == record["outputs"]["results/score/ring.csv"]
    assert job["endTime"] == record["finished"]
    assert found["#seed"]["value"] == "2014"
    # what lies elsewhere is named, and no part of the crate
    parts = {part["@id"] for part in found["./"]["hasPart"]}
    assert "#elsewhere.csv" in found
    assert not [name for name in parts if "elsewhere" in name]
    assert {"Snakefile", "results/score/ring.csv", "results/score/ring.json"} <= parts


def test_changed_results_are_refused(folder):
    (folder / "results/score/ring.csv").write_text("edited")
    with pytest.raises(NoRecordsError, match=r"ring\.csv is missing or not what .*ring\.json"):
        write_crate(folder)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="expected records of a run in results/, found none"):
        main([str(tmp_path)])
