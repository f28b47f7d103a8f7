"""The commands and code of docs/walkthrough.md, run as printed."""

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from autoscore.verify.judging import judge
from autoscore.verify.record import read
from tests.workflow.project import ROOT, Project

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs/walkthrough.md").read_text(encoding="utf-8")
STAGES = re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)


def blocks(language, text=PAGE):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The page's density, with all files that its commands ask for, made in one run."""
    project = Project.from_sources(tmp_path_factory.mktemp("walk") / "project")
    commands = [line.split() for block in blocks("sh") for line in block.splitlines()]
    asked = [command for command in commands if command[0] == "snakemake"]
    assert len(asked) == 7
    assert {tuple(command[-2:]) for command in asked} == {("--configfile", "mine.yaml")}
    files = [file for command in asked for file in command[1:-2]]
    outcome = project.snakemake(*files, changes=blocks("yaml")[0], cores=1)
    assert outcome.code == 0, outcome.text
    return project


def test_files_that_the_page_names_are_there(walked):
    named = re.findall(r"(?:results|figures)/[\w/]+\.\w+", PAGE)
    assert len(named) > 10
    # the page's variations and a full run are not made here
    others = {
        "results/score/errors.csv",
        "results/README.md",
        "results/sample/ninja_star.npz",
    }
    for file in {name for name in named if "my_points" not in name} - others:
        assert (walked.folder / file).is_file(), file


@pytest.mark.parametrize(
    ("stage", "file"),
    [
        ("Optimum", "results/optimum/my_mixture.csv"),
        ("Score", "results/score/my_mixture.csv"),
        ("Sample", "results/sample/my_mixture.csv"),
    ],
)
def test_columns_that_the_page_explains_are_there(walked, stage, file):
    cells = re.findall(r"^\| (`.+?) \|", dict(STAGES)[stage], re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert len(named) > 3
    assert named <= set(pd.read_csv(walked.folder / file).columns)


def test_the_code_of_the_page_runs(walked, monkeypatch):
    monkeypatch.chdir(walked.folder)
    names = {}
    with (walked.folder / "config/claims.yaml").open("a", encoding="utf-8") as claims:
        claims.write("\n" + blocks("yaml", dict(STAGES)["Verify"])[0])
    (walked.folder / "mine.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    for stage, text in STAGES:
        for block in blocks("python", text):
            exec(compile(block, stage, "exec"), names)  # noqa: S102
    assert names["field"].score(names["x"]).shape == names["x"].shape
    with xr.open_datatree("chains.nc") as chains:
        assert chains["posterior"]["x"].shape == (50, 50, 2)
        assert chains.attrs["sigma"] == 0.1
        assert np.isfinite(chains["sample_stats"]["lp"]).all()
    places = judge(names["mine"], read("none", "full"), ["my_mixture"])
    assert places["outcome"].isin(["holds", "unclear"]).all()
    assert len(places) > 2
