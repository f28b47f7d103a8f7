"""Failing disks, clocks, permissions and files are reported, and no wrong result passes."""

import os
import shutil
import subprocess
import time

import pytest

from tests.workflow.project import Project

pytestmark = pytest.mark.slow

NAME = "three_points"
DATA, TABLE = f"results/data/{NAME}.npz", f"results/score/{NAME}.csv"
MADE = [f"results/data/{NAME}.json", DATA]  # written by the job that makes the data
WEIGHTS = f"results/train/{NAME}/rcae_separate_exact.safetensors"
FIGURE = f"figures/{NAME}_field.png"
IMAGES = "results/data/images.npz"
DAY = 86400.0
# lets the superuser write against permissions
BOUND = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")

# Python reads this at its start: to a job, another program has filled the disk.
FILLED = """
import os
import sys

if any(".snakemake/scripts" in argument for argument in sys.orig_argv):
    with open("filling", "ab", buffering=0) as filling:
        try:
            while filling.write(bytes(1 << 12)):
                pass
        except OSError:
            pass
"""


def line_with(outcome, *parts):
    """Return the line of output that has all of these parts, and check that it is readable."""
    assert "Traceback" not in outcome.text, outcome.text
    found = [line for line in outcome.text.splitlines() if all(part in line for part in parts)]
    assert found, outcome.text
    return found[0]


def flip(file, place):
    content = bytearray(file.read_bytes())
    content[place] ^= 4
    file.write_bytes(content)


def cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def test_damaged_files_are_named_set_aside_and_made_anew(project, finished):
    flip(project.folder / WEIGHTS, -9)  # a weight
    flip(project.folder / DATA, 150)
    cut(project.folder / TABLE)
    (project.folder / FIGURE).write_bytes(b"drawn by hand")
    changed = [DATA, TABLE, WEIGHTS, FIGURE]
    damaged = {name: (project.folder / name).read_bytes() for name in changed}
    outcome = project.snakemake(TABLE, FIGURE)
    assert outcome.code == 0, outcome.text
    line_with(outcome, *changed, ".snakemake/set_aside/")
    for name in changed:
        assert (project.folder / name).read_bytes() == (finished.folder / name).read_bytes(), name
        aside = project.folder / ".snakemake/set_aside" / name
        assert aside.read_bytes() == damaged[name]
    assert "Not as" not in project.snakemake(TABLE, FIGURE).text


def test_results_whose_history_is_lost_are_not_served(project):
    shutil.rmtree(project.folder / ".snakemake")
    everything = [file.relative_to(project.folder) for file in project.made("*")]
    outcome = project.snakemake(DATA)
    assert outcome.code == 0, outcome.text
    line_with(outcome, "of an earlier version", f"{len(everything) - 5} more")
    assert [file.relative_to(project.folder).as_posix() for file in project.made("*")] == MADE
    assert all((project.folder / ".snakemake/set_aside" / file).is_file() for file in everything)


@pytest.mark.parametrize("folder", ["results", "results/score", "."])
def test_a_folder_that_may_not_be_written_to_is_named(project, folder):
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("the superuser may write everywhere, and setpriv is missing")
    before = project.made("*")
    (project.folder / folder).chmod(0o555)
    outcome = project.snakemake(TABLE, through=BOUND if os.geteuid() == 0 else ())
    (project.folder / folder).chmod(0o755)
    assert outcome.code != 0
    line_with(outcome, "This folder" if folder == "." else folder, "cannot be written to: make it")
    assert project.made("*") == before


def test_a_file_in_the_place_of_a_folder_is_named(project):
    shutil.rmtree(project.folder / "figures")
    (project.folder / "figures").touch()
    outcome = project.snakemake(FIGURE)
    assert outcome.code != 0
    line_with(outcome, "figures is a file", "move the file away")


def test_a_file_that_cannot_be_written_is_named(project):
    (project.folder / IMAGES).unlink()
    most = ("sh", "-c", 'ulimit -f 128 && exec "$@"', "sh")  # 64 KiB
    outcome = project.snakemake(IMAGES, through=most)
    assert outcome.code != 0
    line_with(outcome, "FAILED  data_images", IMAGES, "File too large; allow larger files")
    assert project.made(".*", "images.npz") == []
    assert project.snakemake(IMAGES).code == 0


@pytest.mark.parametrize(
    ("limit", "changes", "parts"),
    [
        ("-v 800000", "", ["This run may use 781 MiB of memory (ulimit -v), and needs 1024"]),
        ("-n 20", "", ["This run may open 20 files at once (ulimit -n), and needs 64"]),
        (
            "-v 2000000",
            "{densities: {mixture: {train: {sizes: [80000000], models: {separate: [dae]}}}}}",
            ["FAILED  data mixture: MemoryError", "allow more (ulimit -v"],
        ),
    ],
    ids=["addresses", "files", "a job's memory"],
)
def test_too_little_of_the_machine_is_said_in_a_sentence(limit, changes, parts, project):
    least = ("sh", "-c", f'ulimit {limit} && exec "$@"', "sh")
    outcome = project.snakemake("results/data/mixture.npz", changes=changes, through=least)
    assert outcome.code != 0
    line_with(outcome, *parts)


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "petit disque"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_said_and_once_there_is_room_all_goes_on(small_disk, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(FILLED, encoding="utf-8")
    project = Project.from_sources(small_disk / "project")
    plain = {"PYTHONDONTWRITEBYTECODE": "1"}
    outcome = project.snakemake(DATA, PYTHONPATH=str(tmp_path), **plain)
    assert outcome.code != 0
    line_with(outcome, DATA, "No space left on device; make room on the disk and run again")
    assert not (project.folder / DATA).exists()
    outcome = project.snakemake(DATA, **plain)
    assert outcome.code != 0
    line_with(outcome, "The disk is full", "make room on it and run again")
    (project.folder / "filling").unlink()
    outcome = project.snakemake(DATA, **plain)
    assert outcome.code == 0, outcome.text
    assert project.made("*") == [project.folder / name for name in MADE]


def test_times_alone_redo_nothing(project):
    now = time.time()
    for file in [*project.made("*"), *(project.folder / "workflow").rglob("*.py")]:
        os.utime(file, (now + DAY, now + DAY))
    for name in (DATA, WEIGHTS):
        os.utime(project.folder / name, (now + 2 * DAY, now + 2 * DAY))
    assert project.plan() == set()


def test_after_a_clock_was_set_back_what_changed_is_redone_once(project):
    later = time.time() + DAY
    for name in (DATA, WEIGHTS):
        os.utime(project.folder / name, (later, later))
    changes = f"densities: {{{NAME}: {{train: {{schedules: {{exact: {{steps: 7}}}}}}}}}}"
    before = (project.folder / WEIGHTS).read_bytes()
    outcome = project.snakemake(TABLE, changes=changes)
    assert outcome.code == 0, outcome.text
    assert "Not as" not in outcome.text
    assert (project.folder / WEIGHTS).read_bytes() != before
    assert "Nothing to be done" in project.snakemake("--dry-run", TABLE, changes=changes).text
