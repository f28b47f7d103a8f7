"""A run on one core that is killed twice ends with the numbers of an undisturbed one on two."""

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

# Python reads this when it starts: whatever is about to be renamed into results/ waits.
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
    last: Outcome


def kill_when(happened, process, meanwhile=lambda: None):
    """Wait for something, do something, and kill the run with all its scripts."""
    deadline = time.monotonic() + 120
    try:
        while not happened():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.01)
        return meanwhile()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


TIMES = ["seconds", "ess_per_second"]  # of chains


def contents(project):
    """Return all numbers that a run has made, but for times, bit by bit, by file."""
    found = {}
    for file in project.made("[!.]*.csv", "[!.]*.npz", "[!.]*.safetensors"):
        name = file.relative_to(project.folder).as_posix()
        if file.suffix == ".npz":
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
    # the very sources of the other run, whatever has been edited since
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

    # what no claim of this run asks for
    shapes = [f"results/geometry/{file.name}" for file in finished.made("geometry/*.npz")]
    images = ["results/sample/images.csv", "results/score/images_tangents.npz"]
    last = project.snakemake("results/verify/claims.csv", *shapes, *images, cores=1)
    return Interrupted(project, left_behind, tuple(map(int, reached)), meanwhile, last)


def test_it_was_killed_while_writing_and_while_training(interrupted):
    assert interrupted.left_behind
    step, steps = interrupted.reached
    assert step < steps


def test_a_second_start_beside_a_live_one_is_refused(interrupted):
    assert interrupted.meanwhile.code != 0
    assert "cannot be locked" in interrupted.meanwhile.text
    assert "Traceback" not in interrupted.meanwhile.text


def test_starting_again_needs_no_unlocking(interrupted):
    assert interrupted.last.code == 0, interrupted.last.text
    assert "Lock" not in interrupted.last.text


def test_the_numbers_are_the_same(interrupted, finished):
    expected, found = contents(finished), contents(interrupted.project)
    assert len(expected) > 50
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


def test_nothing_temporary_is_left(interrupted):
    assert interrupted.project.made(".*", "*.tmp") == []
