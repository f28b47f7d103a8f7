"""The lists of packages agree, and so do the two configurations."""

import re
import tomllib

import pytest
import yaml

from autoscore.configuration import complete, merge
from tests.workflow.project import ROOT

CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib", "seaborn-base": "seaborn"}


def pins(name):
    """Return the versions that a list of requirements pins, by normalised name."""
    text = (ROOT / "envs" / name).read_text(encoding="utf-8")
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in found}


def read(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_every_direct_dependency_is_locked_at_its_version():
    direct, locked = pins("requirements.in"), pins("requirements.lock")
    assert {"snakemake", "torch"} <= direct.keys()
    assert {package: locked.get(package) for package in direct} == direct


def test_the_oldest_snakemake_that_is_allowed_is_tested_and_the_pinned_one_is_newer():
    text = (ROOT / "workflow/Snakefile").read_text(encoding="utf-8")
    oldest = re.search(r'^min_version\("([\d.]+)"\)', text, re.MULTILINE)[1]
    tested = read(".github/workflows/ci.yml")["jobs"]["snakemake"]["strategy"]["matrix"][
        "snakemake"
    ]
    assert tested == [f"=={oldest}", f">={pins('requirements.in')['snakemake']}"]


def test_every_line_of_the_direct_list_is_a_pin():
    lines = (ROOT / "envs/requirements.in").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line.strip() and not line.startswith("#")]
    assert len(packages) == len(pins("requirements.in"))


def test_conda_and_pip_have_the_same_versions():
    listed = read("envs/autoscore.yaml")["dependencies"]
    found = dict(entry.split("=") for entry in listed if not entry.startswith("python>"))
    assert len(found) == len(listed) - 1
    direct = pins("requirements.in")
    found = {CONDA_NAMES.get(name, name): version for name, version in found.items()}
    assert found == {name: direct.get(name) for name in found}


def test_both_environments_have_all_that_the_library_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {name.lower() for name in project["dependencies"]}
    listed = {re.split("[=>]", entry)[0] for entry in read("envs/autoscore.yaml")["dependencies"]}
    assert wanted <= pins("requirements.in").keys()
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
