import fcntl

import pytest

from tests.workflow.project import Project


def made_once(factory, name, make, *targets):
    """Return a finished project, made by the first worker that needs it."""
    folder = factory.getbasetemp()
    # pytest-xdist gives each worker a folder below the session's
    folder = folder.parent if folder.name.startswith("popen-") else folder
    project, ended = Project(folder / name), folder / f"{name}.ended"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ended.exists():
            outcome = make(project.folder).snakemake(*targets)
            ended.write_text("" if outcome.code == 0 else outcome.text, encoding="utf-8")
    failure = ended.read_text(encoding="utf-8")
    assert not failure, failure
    return project


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The finished tiny run, to read."""
    return made_once(tmp_path_factory, "à part", Project.from_sources)


@pytest.fixture(scope="session")
def quick(tmp_path_factory):
    """The finished quick run, with all claims verified."""
    return made_once(tmp_path_factory, "quick", Project.quick, "all", "verify")


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished tiny run, to change."""
    return finished.copy_to(tmp_path / "copie à part")
