"""Each of the few things that are used of Snakemake beyond its manual is there, and does its work.

Every test reads its own few rules with the Snakemake that is installed.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from run_autoscore import internals
from tests.workflow.project import ROOT

BEGIN = f"""
import sys
sys.path.insert(0, {str(ROOT / "workflow")!r})
from pathlib import Path
from run_autoscore import internals
"""
MODULE = """
module inner:
    snakefile: "inner.smk"
use rule * from inner as other_*
"""
RULES = """
rule first:
    output: "first.txt"
    shell: "touch {output}"
rule second:
    output: "results/{name}.csv"
    script: "data.py"
"""


@pytest.fixture
def said(tmp_path):
    """Return a function that lets Snakemake read files, and returns what it says."""

    def run(*arguments, code=0, **files):
        for name, text in {"Snakefile": "", **files}.items():
            (tmp_path / name.replace("_smk", ".smk")).write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == code, ended.stderr
        return ended.stdout + ended.stderr

    return run


def test_a_module_is_told_from_the_run_s_own_workflow(said):
    tell = 'print("main:", internals.is_main(workflow))\n'
    included = {"Snakefile": BEGIN + 'include: "inner.smk"\n', "inner_smk": BEGIN + tell + RULES}
    assert "main: True" in said("-n", "first.txt", **included)
    as_module = {"Snakefile": MODULE, "inner_smk": BEGIN + tell + RULES}
    assert "main: False" in said("-n", "first.txt", **as_module)


def test_the_process_of_a_user_is_told_from_that_of_a_job(said):
    text = BEGIN + 'print("planning:", internals.is_started_by_user(workflow))\n' + RULES
    assert "planning: True" in said("-n", "first.txt", Snakefile=text)
    job = ["--mode", "subprocess", "--target-jobs", "first:", "--allowed-rules", "first", "--"]
    assert "planning: False" in said(*job, "first.txt", Snakefile=text)


@pytest.mark.parametrize(
    ("arguments", "whole"),
    [([], True), (["first"], True), (["first.txt"], False), (["first", "-n"], False)],
)
def test_a_run_of_whole_rules_is_told_from_the_rest(said, arguments, whole):
    text = BEGIN + 'print("whole:", internals.runs_rules())\n' + RULES
    assert f"whole: {whole}" in said(*arguments, Snakefile=text)


@pytest.mark.parametrize("prefix", ["", "other_"])
def test_an_included_file_gives_the_default_target(prefix, said):
    inner = RULES + "rule all:\n    input: 'first.txt'\n"
    outer = BEGIN + 'include: "inner.smk"\ninternals.set_default(workflow, "all")\n'
    files = {"Snakefile": outer, "inner_smk": inner}
    if prefix:
        files |= {"Snakefile": MODULE.replace("inner.smk", "outer.smk"), "outer_smk": outer}
    assert f"rule {prefix}all:" in said("-n", **files)


@pytest.mark.parametrize("prefix", ["", "other_"])
def test_rules_are_completed_those_of_another_workflow_are_not(prefix, said, tmp_path):
    files = {
        "inner_smk": BEGIN + RULES + f"internals.complete_rules(workflow, Path({str(ROOT)!r}))\n"
    }
    show = "for one in workflow.rules: print(one.name, one.log, bool(one.conda_env), one.params)\n"
    theirs = 'rule theirs:\n    output: "theirs.txt"\n    shell: "touch {output}"\n'
    begin = theirs + MODULE if prefix else 'include: "inner.smk"\n'
    text = said("-n", "first.txt", Snakefile=begin + show, **files)
    assert f"{prefix}first results/logs/{prefix}first.log True" in text
    assert f"{prefix}second results/logs/{prefix}second/{{name}}.log True" in text
    assert internals.code("scripts.data") in text
    if prefix:
        assert "theirs  False" in text


def test_outputs_are_known_as_such(said):
    asked = 'print([internals.is_output(workflow, f) for f in ("results/a.csv", "b.csv")])\n'
    assert "[True, False]" in said("-n", "first.txt", Snakefile=BEGIN + RULES + asked)


def test_the_scripts_about_to_run_are_known_and_jobs_start_without_a_limit(said, tmp_path):
    (tmp_path / "data.py").write_text("open(snakemake.output[0], 'w').close()\n", encoding="utf-8")
    text = (
        BEGIN
        + RULES
        + """
onstart:
    print("limit:", workflow.scheduler.job_rate_limiter is not None)
    internals.lift_rate_limit(workflow)
    print("limit:", workflow.scheduler.job_rate_limiter is not None)
    print("scripts:", internals.local_scripts(workflow))
"""
    )
    told = said("first.txt", "results/a.csv", Snakefile=text)
    assert "limit: True\nlimit: False\n" in told
    assert "scripts: ['data.py']" in told
    assert (tmp_path / "results/a.csv").exists()


def test_scripts_run_though_the_interpreter_s_path_has_a_space(tmp_path):
    python = tmp_path / "my python/bin/python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", python.parents[1]], check=True)
    pinned = next(Path(one) for one in sys.path if (Path(one) / "snakemake").is_dir())
    (tmp_path / "data.py").write_text("open(snakemake.output[0], 'w').close()\n", encoding="utf-8")
    command = [str(python), "-m", "snakemake", "--cores", "1", "results/a.csv"]
    paths = os.environ | {"PYTHONPATH": f"{pinned}:{':'.join(filter(None, sys.path))}"}
    ended = {}
    for name, call in {"plain": "", "quoted": "internals.quote_interpreter()\n"}.items():
        (tmp_path / "Snakefile").write_text(BEGIN + call + RULES, encoding="utf-8")
        told = subprocess.run(command, cwd=tmp_path, env=paths, capture_output=True, check=False)
        ended[name] = told.returncode == 0
    assert ended == {"plain": False, "quoted": True}  # if both: the call is no longer needed
