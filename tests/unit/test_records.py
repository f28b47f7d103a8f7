import getpass
import hashlib
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from autoscore.files import records
from autoscore.files.records import hashes, machine, versions, without_folders, write_record


@pytest.fixture
def written(tmp_path, monkeypatch):
    """The record of a job that read a file of the user's, and the files' contents."""
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "mine.csv"
    mine.write_bytes(b"1,2\n")
    Path("made.npz").write_bytes(b"made")
    params = {
        "seed": 7,
        "code": "abc",
        "entry": {"path": str(mine), "sigmas": [0.1, float("inf")], "kinds": ("dae",), "n": None},
    }
    made = hashes(["made.npz"])
    write_record("made.json", "make", {"density": "ring"}, params, [str(mine)], made, 2, 1.234)
    return json.loads(Path("made.json").read_text(encoding="utf-8"))


def test_a_record_says_what_was_run(written):
    assert written["rule"] == "make"
    assert written["wildcards"] == {"density": "ring"}
    assert (written["seed"], written["code"], written["threads"]) == (7, "abc", 2)
    entry = {"path": "mine.csv", "sigmas": [0.1, "inf"], "kinds": ["dae"], "n": None}
    assert written["settings"] == {"entry": entry}


def test_a_record_has_the_hashes_of_what_went_in_and_came_out(written):
    assert written["inputs"] == {"mine.csv": hashlib.sha256(b"1,2\n").hexdigest()}
    assert written["outputs"] == {"made.npz": hashlib.sha256(b"made").hexdigest()}


def test_a_record_says_with_what_and_at_which_cost(written):
    assert written["versions"]["python"] == platform.python_version()
    assert written["versions"]["numpy"] == np.__version__
    assert written["machine"]["cores"] >= 1
    assert written["wall_seconds"] == 1.23
    assert written["cpu_seconds"] > 0
    assert written["peak_memory_mib"] > 10
    age = datetime.now(UTC) - datetime.fromisoformat(written["finished"])
    assert 0 <= age.total_seconds() < 60


def test_a_record_names_the_kernels(written):
    libraries = written["kernels"]["libraries"]
    assert [one for one in libraries if one.get("architecture") and one["version"]]
    assert written["kernels"]["instructions"].keys() >= {"numpy"}
    assert written["kernels"]["instructions"]["numpy"]


# a processor has these at least; the kernels are those of the process that is asked
CHOSEN = {"OPENBLAS_CORETYPE": "Nehalem", "ATEN_CPU_CAPABILITY": "default"}
ASKING = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy
from autoscore.files.records import kernels
before = kernels()
assert "torch" not in sys.modules
import torch
print(json.dumps([before, kernels()]))
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are names of x86 kernels")
def test_the_kernels_are_those_in_use_of_what_is_imported():
    command = [sys.executable, "-c", ASKING, str(Path(records.__file__).parents[2])]
    told = subprocess.run(command, env=os.environ | CHOSEN, capture_output=True, check=True).stdout
    before, after = json.loads(told)
    openblas = [one for one in before["libraries"] if one["internal_api"] == "openblas"]
    assert [one["architecture"] for one in openblas] == ["Nehalem"]
    assert before["instructions"].keys() == {"numpy"}
    assert after["instructions"]["torch"] == "DEFAULT"
    assert CHOSEN.items() <= after["chosen"].items()


def test_a_record_names_neither_folder_nor_user_nor_host(written, tmp_path):
    strings = set(_strings(written))
    assert len(strings) > 10
    for private in (str(tmp_path), str(Path.home())):
        assert not [text for text in strings if private in text]
    assert not strings & {getpass.getuser(), platform.node()}


def _strings(value):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from (key, *_strings(part))
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    else:
        yield str(value)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("results/data/ring.npz", "results/data/ring.npz"),
        ("/elsewhere/someone/points.csv", "points.csv"),
        ("../someone/points.csv", "points.csv"),
        ("~/points.csv", "points.csv"),
        ("https://example.org/mnist/", "https://example.org/mnist/"),
        (Path("/elsewhere/someone"), "someone"),
        (Path("results"), "results"),
        ({1: [("/a/b", float("nan"), 2.5, True)]}, {"1": [["b", "nan", 2.5, True]]}),
    ],
)
def test_paths_that_leave_the_project_lose_their_folders(value, told):
    assert without_folders(value) == told


def test_versions_are_of_what_was_imported_alone(monkeypatch):
    monkeypatch.setattr("autoscore.files.records.sys.modules", {"numpy": np})
    assert versions() == {"python": platform.python_version(), "numpy": np.__version__}


def test_a_machine_without_further_words_has_its_architecture(monkeypatch):
    monkeypatch.setattr(
        "autoscore.files.records.Path", lambda _: SimpleNamespace(is_file=lambda: False)
    )
    assert machine()["processor"] == platform.machine()
