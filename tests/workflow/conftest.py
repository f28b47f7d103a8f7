import pytest

from tests.workflow.project import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The tiny run, finished, to look at."""
    project = Project.from_sources(tmp_path_factory.mktemp("workflow") / "à part")
    outcome = project.snakemake()
    assert outcome.code == 0, outcome.text
    return project


@pytest.fixture(scope="session")
def quick(tmp_path_factory):
    """The quick run, finished, and passed by verify."""
    project = Project.quick(tmp_path_factory.mktemp("quick") / "run")
    outcome = project.snakemake("all", "verify")
    assert outcome.code == 0, outcome.text
    return project


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished run, to work with."""
    return finished.copy_to(tmp_path / "copie à part")
