"""The lists of packages agree, and so do the two configurations."""

import re
import tomllib

import pytest
import yaml

from autoscore.configuration import complete, merge
from tests.workflow.project import ROOT

CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib", "seaborn-base": "seaborn"}


def pins(kind, *names):
    """Return the versions that lists of requirements, by default all, pin, by normalised name."""
    found = {}
    for name in names or ("requirements", "torch"):
        text = (ROOT / f"envs/{name}.{kind}").read_text(encoding="utf-8")
        for package, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE):
            package = re.sub(r"[-_.]+", "-", package).lower()
            assert found.setdefault(package, version) == version, "the lists disagree"
    return found


def read(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_every_direct_dependency_is_locked_at_its_version():
    direct, locked = pins("in"), pins("lock")
    assert {"snakemake", "torch"} <= direct.keys()
    assert {package: locked.get(package) for package in direct} == direct


def test_whatever_is_installed_has_a_hash_but_pytorch_and_what_only_that_needs():
    text = (ROOT / "envs/requirements.lock").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\w)", text)[1:]
    assert len(blocks) == len(pins("lock", "requirements"))
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    assert set(pins("in", "torch")) == {"torch"}
    assert "torch" not in pins("lock", "requirements")


def test_the_oldest_snakemake_that_is_allowed_is_tested_and_the_pinned_one_is_newer():
    text = (ROOT / "workflow/Snakefile").read_text(encoding="utf-8")
    oldest = re.search(r'^min_version\("([\d.]+)"\)', text, re.MULTILINE)[1]
    tested = read(".github/workflows/ci.yml")["jobs"]["snakemake"]["strategy"]["matrix"][
        "snakemake"
    ]
    assert tested == [f"=={oldest}", f">={pins('in')['snakemake']}"]


def test_every_line_of_the_direct_list_is_a_pin():
    lists = [
        (ROOT / f"envs/{name}.in").read_text(encoding="utf-8") for name in ("requirements", "torch")
    ]
    packages = [
        line for line in "\n".join(lists).splitlines() if line.strip("#") and line[0] != "#"
    ]
    assert len(packages) == len(pins("in"))


def test_conda_and_pip_have_the_same_versions():
    listed = read("envs/autoscore.yaml")["dependencies"]
    found = dict(entry.split("=") for entry in listed if not entry.startswith("python>"))
    assert len(found) == len(listed) - 1
    direct = pins("in")
    found = {CONDA_NAMES.get(name, name): version for name, version in found.items()}
    assert found == {name: direct.get(name) for name in found}


def test_both_environments_have_all_that_the_library_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split("[=!<>]", name)[0].lower() for name in project["dependencies"]}
    listed = {re.split("[=>]", entry)[0] for entry in read("envs/autoscore.yaml")["dependencies"]}
    assert wanted <= pins("in").keys()
    assert wanted <= {CONDA_NAMES.get(name, name) for name in listed}


def leaves(part, whole, path=()):
    """Yield (path, value, the whole's value) for each value of the part; a grid is one value."""
    for key, value in part.items():
        if isinstance(value, dict) and value.keys() != {"low", "high", "count"}:
            yield from leaves(value, whole[key], (*path, key))
        else:
            yield ".".join((*path, key)), value, whole[key]


def test_the_quick_configuration_holds_only_what_differs():
    quick, full = read("config/quick.yaml"), complete(read("config/config.yaml"))
    compared = list(leaves(quick, full))
    assert len(compared) > 5
    assert [path for path, value, other in compared if value == other] == []


@pytest.mark.parametrize("changes", ["config/quick.yaml", None])
def test_the_configurations_are_accepted(changes):
    config = merge(read("config/config.yaml"), read(changes) if changes else {})
    assert complete(config)["profile"] == ("quick" if changes else "full")
