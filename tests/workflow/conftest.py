import pytest

from tests.workflow.project import Project


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """The tiny run, finished, and where it ran; not to be written to."""
    folder = tmp_path_factory.mktemp("workflow")
    ran = Project.from_sources(folder / "à part")
    outcome = ran.snakemake()
    assert outcome.code == 0, outcome.text
    return ran.copy_to(folder / "kept"), ran.folder


@pytest.fixture(scope="session")
def finished(kept):
    """The finished run, to look at."""
    return kept[0]


@pytest.fixture
def project(kept):
    """A fresh copy of the finished run, to work with, where it ran."""
    finished, folder = kept
    return finished.copy_to(folder)
