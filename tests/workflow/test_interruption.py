"""A run that is killed again and again gives the numbers of an undisturbed one.

It also differs in everything that must not matter: cores, threads of the libraries, Python's hash
seed, time zone and language.
"""

import os
import re
import signal
import time
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from tests.workflow.project import Outcome, Project

pytestmark = pytest.mark.slow

TRAINED = "results/train/three_wells/dae_conditioned_samples.safetensors"
LOG = "results/logs/train/three_wells_dae_conditioned_samples.log"
KILLS, JOBS = 6, 56  # of about 67 in the whole run
LONGEST = 0.8  # seconds into a job; the shortest take two
ELSEWHERE = {
    "OMP_NUM_THREADS": "2",
    "PYTHONHASHSEED": "31",
    "TZ": "Asia/Kathmandu",
    "LC_ALL": "C",
}

# Python reads this at its start: every rename into results/ waits.
HESITATION = """
import os
import pathlib
import time

replace = os.replace


def hesitate(source, target, **options):
    if "results" in pathlib.Path(target).parts:
        time.sleep(600)
    return replace(source, target, **options)


os.replace = hesitate
"""


class Interrupted(NamedTuple):
    project: Project
    left_behind: list
    reached: tuple[int, int]
    meanwhile: Outcome
    killed_after: list[int]
    last: Outcome


def kill(process):
    """End a run and its scripts as a power cut would, and return its output."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()[0]


def kill_when(happened, process, meanwhile=lambda: None):
    """Wait for something, do something, then kill the run."""
    deadline = time.monotonic() + 600
    try:
        while not happened():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.01)
        return meanwhile()
    finally:
        kill(process)


def kill_after(process, jobs, seconds):
    """Kill a run after so many jobs and so many seconds of the next one."""
    said, done = [], 0
    for line in process.stdout:
        said.append(line)
        if re.search(r"\d+ +done ", line):
            done += 1
        # the next job has begun: a running job is killed
        if done >= jobs and re.match(" +start ", line):
            break
    time.sleep(seconds)
    alive = process.poll() is None
    said.append(kill(process))
    assert alive, "".join(said)
    return done


def gaps(seed):
    """Return moments spread over the run, each as the number of jobs since the one before."""
    rng = np.random.default_rng(seed)
    moments = np.sort(rng.integers(JOBS, size=KILLS))
    return zip(np.diff(moments, prepend=0), rng.uniform(0, LONGEST, KILLS), strict=True)


TIMES = ["seconds", "ess_per_second"]  # of chains


def contents(project):
    """Return the content of all files of a run, without times."""
    found = {}
    for file in project.made("[!.]*"):
        name = file.relative_to(project.folder).as_posix()
        if file.suffix == ".json":  # of a job's record: when, where, for how long
            found[name] = "there"
        elif file.suffix == ".npz":
            with np.load(file) as arrays:
                for key, array in arrays.items():
                    found[f"{name}/{key}"] = (array.dtype.str, array.shape, array.tobytes())
        elif name.startswith("results/sample/") and b"seconds" in file.read_bytes():
            found[name] = pd.read_csv(file, dtype=str).drop(columns=TIMES, errors="ignore").to_csv()
        else:
            found[name] = file.read_bytes()
    return found


@pytest.fixture(scope="module")
def interrupted(finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp("interruption")
    (folder / "sitecustomize.py").write_text(HESITATION, encoding="utf-8")
    # the other run's sources, whatever has been edited since
    project = Project.from_sources(folder / "arrêt brusque", finished.folder)

    writing = project.start(TRAINED, cores=1, PYTHONPATH=str(folder))
    meanwhile = kill_when(
        lambda: project.made(".*"), writing, lambda: project.snakemake(TRAINED, cores=1)
    )
    left_behind = project.made(".*")

    log = project.folder / LOG
    training = project.start(TRAINED, cores=1)
    kill_when(lambda: log.is_file() and "step" in log.read_text(encoding="utf-8"), training)
    *_, reached = re.findall(r"step (\d+) of (\d+)", log.read_text(encoding="utf-8"))

    killed_after = [
        kill_after(project.start(cores=3, **ELSEWHERE), jobs, seconds)
        for jobs, seconds in gaps(seed=13)
    ]
    last = project.snakemake(cores=3, **ELSEWHERE)
    reached = tuple(map(int, reached))
    return Interrupted(project, left_behind, reached, meanwhile, killed_after, last)


def test_it_was_killed_while_writing_and_while_training(interrupted):
    assert interrupted.left_behind
    step, steps = interrupted.reached
    assert step < steps


def test_it_was_killed_all_over_the_run(interrupted):
    assert len(interrupted.killed_after) == KILLS
    assert JOBS / 2 < sum(interrupted.killed_after) <= JOBS


def test_a_second_start_beside_a_live_one_is_refused(interrupted):
    assert interrupted.meanwhile.code != 0
    said = r"Another run is at work in this folder \(process \d+\): wait until it ends, or use"
    assert re.search(said, interrupted.meanwhile.text)
    assert "unlock" not in interrupted.meanwhile.text
    assert "Traceback" not in interrupted.meanwhile.text


def test_starting_again_needs_no_unlocking(interrupted):
    assert interrupted.last.code == 0, interrupted.last.text
    assert "Lock" not in interrupted.last.text


def test_all_that_was_made_is_the_same_and_nothing_else_is_there(interrupted, finished):
    expected, found = contents(finished), contents(interrupted.project)
    assert len(expected) > 200
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


def test_nothing_temporary_is_left(interrupted):
    assert interrupted.project.made(".*", "*.tmp", "*unfinished*") == []
    assert list((interrupted.project.folder / ".snakemake/incomplete").glob("*")) == []
    assert list((interrupted.project.folder / ".snakemake/locks").glob("*")) == []
