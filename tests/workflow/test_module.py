"""The workflow as a module of another one, in a folder that is empty but for six lines."""

import re
import subprocess
import sys
import zipfile

import pytest

from tests.workflow.project import ROOT, Project

FIGURE = "figures/mixture_bias.png"
OTHER = """
configfile: {configuration!r}
module autoscore:
    snakefile: {snakefile!r}
    config: config
use rule * from autoscore{names}
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("module")
    return Project.from_sources(folder / "à part").folder


@pytest.fixture
def other(sources, tmp_path):
    """Write another workflow, and return a function that runs it."""

    def run(*arguments, snakefile="workflow/Snakefile", names=""):
        text = OTHER.format(
            configuration=str(sources / "config/quick.yaml"),
            snakefile=str(sources / snakefile),
            names=names,
        )
        (tmp_path / "Snakefile").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return ended.returncode, ended.stdout + ended.stderr

    return run


def counted(text):
    """Return how many jobs of each rule a dry run has."""
    return dict(re.findall(r"^(\w+) +(\d+)$", text.partition("\n\n[")[0], re.MULTILINE))


def test_it_makes_a_figure_and_shows_it_in_a_report(other, tmp_path):
    code, text = other(FIGURE)
    assert code == 0, text
    assert (tmp_path / FIGURE).read_bytes().startswith(b"\x89PNG")
    code, text = other("--report", "report.zip", FIGURE)
    assert code == 0, text
    with zipfile.ZipFile(tmp_path / "report.zip") as report:
        assert any(name.endswith("mixture_bias.png") for name in report.namelist())


def test_it_plans_what_the_workflow_itself_plans(other, sources):
    own = [sys.executable, "-m", "snakemake", "-n", "--configfile", "config/quick.yaml"]
    itself = subprocess.run(own, cwd=sources, capture_output=True, text=True, check=True).stdout
    expected = counted(itself)
    assert int(expected["total"]) > 50
    code, text = other("-n", snakefile="Snakefile")
    assert code == 0, text
    assert counted(text) == expected
    code, text = other("-n", names=" as other_*")
    assert code == 0, text
    total = expected.pop("total")
    assert counted(text) == {f"other_{name}": n for name, n in expected.items()} | {"total": total}


def test_it_leaves_the_files_of_the_other_workflow_alone(other, tmp_path):
    theirs = tmp_path / "results/score/theirs.csv"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs\n", encoding="utf-8")
    code, text = other("results/data/mixture.npz")
    assert code == 0, text
    assert theirs.read_text(encoding="utf-8") == "theirs\n"
    assert not (tmp_path / ".snakemake/set_aside").exists()


def test_rules_without_their_library_are_refused_in_words(tmp_path):
    where = f'gitfile({str(ROOT)!r}, path="workflow/Snakefile", ref="HEAD")'
    text = f"module autoscore:\n    snakefile: {where}\nuse rule * from autoscore\n"
    (tmp_path / "Snakefile").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "-n"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "clone it, and name the folder of the clone" in ended.stderr
