"""What a run looks to before it starts, and how it says that the system stopped it."""

import errno
import logging
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

import snakemake_logger_plugin_autoscore as console
from autoscore.configuration import complete
from autoscore.files.remedies import remedy
from autoscore.files.storage import write_atomically
from run_autoscore import checksums, locking, preflight, summary

MADE = {"train": ["a"], "verify": [], "mnist": []}  # by rule


def a_console():
    return console.LogHandler(SimpleNamespace(dryrun=False, stdout=False), None)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/data").mkdir(parents=True)
    for name in "abc":
        (tmp_path / f"results/data/{name}.csv").write_text(name, encoding="utf-8")
    return tmp_path


def test_what_is_as_it_was_left_stays(folder, capsys):
    files = [f"results/data/{name}.csv" for name in "abc"]
    checksums.record(checksums.of(files))
    checksums.set_aside_changed(lambda file: True)
    assert capsys.readouterr().err == ""
    assert all((folder / file).is_file() for file in files)


def test_what_was_changed_or_brought_is_set_aside_and_what_is_no_output_is_not(folder, capsys):
    checksums.record(checksums.of(["results/data/a.csv"]))
    (folder / "results/data/a.csv").write_text("A", encoding="utf-8")
    checksums.set_aside_changed(lambda file: not file.endswith("c.csv"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "results/data/a.csv, results/data/b.csv. Moved to .snakemake/set_aside" in said
    aside = folder / ".snakemake/set_aside/results/data"
    assert {file.name: file.read_text(encoding="utf-8") for file in aside.iterdir()} == {
        "a.csv": "A",
        "b.csv": "b",
    }
    assert [file.name for file in (folder / "results/data").iterdir()] == ["c.csv"]


def test_what_killed_jobs_were_writing_is_removed(folder, monkeypatch, capsys):
    def write(temporary):
        temporary.write_text("half of", encoding="utf-8")
        raise KeyboardInterrupt

    files = [f"results/data/{name}.csv" for name in "abc"]
    checksums.record(checksums.of(files))
    for place in (Path(), checksums.RECORDED):
        with monkeypatch.context() as killed:
            killed.setattr(Path, "unlink", lambda *_, **__: None)
            with pytest.raises(KeyboardInterrupt):
                write_atomically(place / files[0], write)
    left = list(folder.rglob(".*.csv"))
    assert len(left) == 2
    checksums.set_aside_changed(lambda file: True)
    assert not any(file.exists() for file in left)
    assert all((folder / file).is_file() for file in files)
    assert capsys.readouterr().err == ""


def test_files_from_the_future_come_to_the_present_in_their_order(folder):
    now = time.time()
    data = folder / "results/data"
    for name, later in (("a", 3e5), ("b", -3e5), ("c", 6e5)):
        os.utime(data / f"{name}.csv", (now + later, now + later))
    preflight.bring_times_back()
    times = {name: (data / f"{name}.csv").stat().st_mtime for name in "abc"}
    assert times["b"] == pytest.approx(now - 3e5, abs=1e-3)
    assert now - 1 < times["a"] < times["c"] <= time.time()


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        *(("PermissionError", True), ("OSError", True), ("MemoryError", True)),
        *(("WorkflowError", False), ("KeyError", False), ("RuntimeError", False)),
    ],
)
def test_what_the_system_refused_is_one_line_and_what_is_a_bug_is_not(error, shown, capsys):
    text = (
        f"Traceback (most recent call last):\n\n  File ...\n\n{error}: [Errno 13] No: 'results'\n"
    )
    record = logging.LogRecord("snakemake", logging.ERROR, "", 0, text, (), None)
    record.event, record.exception = LogEvent.ERROR, error
    a_console().emit(record)
    said = capsys.readouterr().err
    expected = f"STOPPED by the system: {error}: [Errno 13] No: 'results'. Fix that and run again."
    assert said.strip() == (expected if shown else text.strip())


DRAWN = ["figures/two_bumps_map.pdf", "figures/two_bumps_quiver.pdf", "figures/baselines.pdf"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("figures/two_bumps_shape.pdf", "two_bumps has two_bumps_map, two_bumps_quiver. Name"),
        ("figures/two_map.pdf", "two has no figure. Name what is to be drawn of it under"),
        ("figures/baseline.pdf", "Did you mean baselines?"),
        ("figures/else.gif", "is not drawn with this configuration. See figures/README.md"),
    ],
)
def test_a_figure_that_is_not_drawn_is_refused_in_words(asked, said):
    with pytest.raises(SystemExit) as end:
        preflight.refuse_figures_that_are_not_drawn([asked], DRAWN, ["two", "two_bumps"])
    assert said in end.value.code


def test_figures_that_are_drawn_and_other_files_are_asked_for_freely():
    asked = [*DRAWN, "results/score/errors.csv", "--cores", "2", "mnist"]
    preflight.refuse_figures_that_are_not_drawn(asked, DRAWN, ["two_bumps"])


def test_a_training_that_is_not_made_is_refused_in_words():
    entry = {"kind": "samples", "points": [[-1], [0], [1]], "train": {"sizes": ["exact"]}}
    config = complete({"densities": {"three": entry}})
    made = "results/train/three/dae_separate_exact"
    others = ["results/train/images/untied.csv", "results/train/four/dae_foo_samples.csv"]
    preflight.refuse_unknown_trainings([f"{made}.csv", f"{made}/0.csv", *others], config)
    with pytest.raises(SystemExit) as end:
        preflight.refuse_unknown_trainings(["results/train/three/dae_foo_samples.csv"], config)
    assert "dae_foo_samples.csv is not trained" in end.value.code
    assert "Name what is to be trained under densities.three.train.models" in end.value.code


def told(event=None, message="", **facts):
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, message, (), None)
    record.event = event
    record.__dict__.update(facts)
    return record


def test_the_time_left_is_told_by_what_jobs_usually_take(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    spoken = a_console()
    spoken.emit(told(LogEvent.RUN_INFO, stats={"train": 2, "plot_map": 10, "total": 12}))
    spoken.emit(told(LogEvent.JOB_INFO, rule_name="train", wildcards={}, jobid=1, output=["a"]))
    now[0] = 20.0  # one of two trainings, which are 10 each, and ten figures, which are 1 each
    spoken.emit(told(LogEvent.JOB_FINISHED, job_id=1))
    assert "1/12  done   train (20 s); about 40 s left" in capsys.readouterr().err


DIED = "Command 'set -euo pipefail; python train.py' died with <Signals.SIG{}>."
STATUS = "Command 'set -euo pipefail; python train.py' returned non-zero exit status {}."
STEPS = "; its log ends with: step 3 of 9\n"


@pytest.mark.parametrize(
    ("text", "rule", "error", "reason"),
    [
        ("step 3\nTraceback\nValueError: no\n", "train", STATUS.format(1), ": ValueError: no\n"),
        ("step 3 of 9\n", "train", DIED.format("KILL: 9"), "killed (SIGKILL), perhaps for lack of"),
        ("step 3 of 9\n", "train", STATUS.format(137), f"memory{STEPS}"),
        (
            "step 3 of 9\n",
            "train",
            DIED.format("SEGV: 11"),
            f"train: it was killed (SIGSEGV){STEPS}",
        ),
        ("step 3 of 9\n", "train", DIED.format("ABRT: 6"), "(SIGABRT), perhaps for lack of memory"),
        ("step 3 of 9\n", "train", STATUS.format(135), "(SIGBUS), perhaps for lack of room on a"),
        ("a\nTraceback\nstep 3 of 9\n", "train", STATUS.format(143), f"(SIGTERM){STEPS}"),
        ("step 3 of 9\n", "train", STATUS.format(1), f"ended without saying why{STEPS}"),
        ("step 3 of 9\n", "train", STATUS.format(255), f": it ended without saying why{STEPS}"),
        ("step 3 of 9\n", "train", None, f"it ended without saying why{STEPS}"),
        ("", "train", STATUS.format(1), "it ended without saying why; it wrote no log\n"),
        ("9 checks, 1 differs: C1\n", "verify", STATUS.format(1), ": 9 checks, 1 differs: C1\n"),
    ],
)
def test_the_reason_of_a_failure_is_told_and_not_its_progress(
    text, rule, error, reason, folder, capsys
):
    (folder / "a.log").write_text(text, encoding="utf-8")
    spoken = a_console()
    if error:  # a script here, and not on a cluster
        spoken.emit(told(LogEvent.ERROR, f"RuleException:\nCalledProcessError in file x\n{error}"))
    spoken.emit(told(LogEvent.JOB_ERROR, rule_name=rule, jobid=1, log=["a.log"], output=MADE[rule]))
    assert f"FAILED  {rule}" in (said := capsys.readouterr().err)
    assert reason in said


def test_two_jobs_that_fail_at_once_are_told_apart(capsys):
    spoken = a_console()
    for thread, status in ((1, 137), (2, 139)):
        text = f"CalledProcessError\n{STATUS.format(status)}"
        spoken.emit(told(LogEvent.ERROR, text, thread=thread))
    failed = {"rule_name": "train", "log": [], "output": ["a"]}
    for job, thread in ((1, 1), (2, 2), (3, 1)):
        spoken.emit(told(LogEvent.JOB_ERROR, **failed, jobid=job, thread=thread))
    first, second, third = re.findall("FAILED.*", capsys.readouterr().err)
    assert ("SIGKILL" in first, "SIGSEGV" in second, "SIG" in third) == (True, True, False)


@pytest.mark.parametrize(("rule", "said"), [("mnist", False), ("train", True)])
def test_targets_are_neither_started_nor_done(rule, said, capsys):
    spoken = a_console()
    begun = {"rule_name": rule, "wildcards": {}, "jobid": 1, "output": MADE[rule]}
    spoken.emit(told(LogEvent.JOB_INFO, **begun))
    spoken.emit(told(LogEvent.JOB_FINISHED, job_id=1))
    assert (rule in capsys.readouterr().err) == said


def test_a_failure_that_is_reported_twice_is_told_once_and_again_at_the_next_attempt(capsys):
    spoken = a_console()
    job = {"rule_name": "train", "jobid": 1, "output": ["a"]}
    failed = told(LogEvent.JOB_ERROR, **job, log=[])
    for event in (failed, failed, told(LogEvent.JOB_INFO, **job, wildcards={}), failed):
        spoken.emit(event)
    assert capsys.readouterr().err.count("FAILED") == 2


def test_jobs_that_were_interrupted_did_not_fail(capsys):
    spoken = a_console()
    failed = told(LogEvent.JOB_ERROR, rule_name="train", jobid=1, log=[], output=["a"])
    other = told(LogEvent.JOB_ERROR, rule_name="train", jobid=2, log=[], output=["b"])
    spoken.emit(other)
    assert "FAILED  train" in capsys.readouterr().err
    spoken.emit(told(message=f"{console.STOPPING}, this might take some time."))
    spoken.emit(failed)
    said = capsys.readouterr().err
    assert said == "STOPPED. Finished results are kept: the same command continues from here.\n"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_verdicts_and_figures_are_told_with_their_place(elsewhere, folder):
    table = folder / "results/verify/statements.csv"
    table.parent.mkdir()
    table.write_text("statement,verdict\na,not tested\nb,supported\nc,supported\n", "utf-8")
    (folder / "figures").mkdir()
    (folder / "figures/a.pdf").touch()
    project = folder / "project" if elsewhere else folder
    place = f"{folder}/" if elsewhere else ""
    assert list(summary.verdicts("results/verify/statements.csv", project)) == [
        f"Statements: 2 supported, 1 not tested (see {place}results/verify/verdicts.md)",
        f"Figures: 1 in {place}figures",
    ]


@pytest.fixture
def free(tmp_path, monkeypatch):
    """A folder that no run has, nor this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(locking, "_held", [])
    monkeypatch.setattr(locking.atexit, "register", lambda *_, **__: None)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "plain"),
    [
        (["-np"], False),
        (["--dry-run"], False),
        (["--list-rules"], False),
        (["--report=page.html"], False),
        (["--dry-r"], False),
        (["--lt"], False),
        (["--unlock"], True),
        (["figures", "--cores", "2"], True),
        (["--configfile", "mine.yaml", "--force", "-j2"], True),
    ],
)
def test_commands_that_run_nothing_do_not_take_the_folder(arguments, plain, free, monkeypatch):
    monkeypatch.setattr(locking.sys, "argv", ["snakemake", *arguments])
    assert locking.take() == plain
    assert (free / ".snakemake/alive").exists() == plain


@pytest.mark.parametrize("fcntl", [True, False], ids=["with locks", "without"])
@pytest.mark.parametrize("host", ["here", "elsewhere"])
def test_a_run_that_was_killed_gives_way_where_that_is_known(host, fcntl, free, monkeypatch):
    monkeypatch.setattr(locking.sys, "argv", ["snakemake"])
    if not fcntl:
        monkeypatch.setattr(locking, "fcntl", None)
    owner = free / ".snakemake/alive"
    owner.parent.mkdir()
    before = f"1234 {socket.gethostname() if host == 'here' else host}"
    owner.write_text(before, encoding="utf-8")
    if host == "here" and fcntl:
        assert locking.take()
        assert owner.read_text(encoding="utf-8").startswith(f"{os.getpid()} ")
        return
    with pytest.raises(SystemExit, match=r"process 1234\) has this folder, or was killed there"):
        locking.take()
    assert owner.read_text(encoding="utf-8") == before


def test_snakemake_s_own_files_stay(free, monkeypatch):
    lock = free / ".snakemake/locks/0.input.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    monkeypatch.setattr(locking.sys, "argv", ["snakemake"])
    assert locking.take()
    assert lock.exists()


HOLDER = """
import sys
sys.path.insert(0, sys.argv.pop())
from run_autoscore import locking
print(locking.take(), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [(["figures"], True), (["--unlock"], True), (["--nolock"], True), (["-n"], False)],
)
def test_beside_a_live_run_only_looks_are_taken(arguments, refused, free, monkeypatch):
    pytest.importorskip("fcntl")
    command = [sys.executable, "-c", HOLDER, str(Path(locking.__file__).parents[1])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "True\n"  # in a folder where none had been
        monkeypatch.setattr(locking.sys, "argv", ["snakemake", *arguments])
        if refused:
            said = rf"Another run is at work in this folder \(process {run.pid}\): wait until it"
            for _ in range(2):  # the one that was refused has not taken the number away
                with pytest.raises(SystemExit, match=said):
                    locking.take()
        else:
            assert not locking.take()
        run.stdin.close()
    assert not (free / ".snakemake/alive").exists()
    monkeypatch.setattr(locking.sys, "argv", ["snakemake"])
    assert locking.take()


def test_limits_of_this_machine_are_no_obstacle(tmp_path):
    preflight.refuse_too_small_limits()
    preflight.refuse_too_small_limits(tmp_path)  # without control groups


@pytest.mark.parametrize(
    ("name", "limit", "said"),
    [
        ("RLIMIT_AS", 300 << 20, "may use 300 MiB of memory (ulimit -v), and needs 1024 at the"),
        ("RLIMIT_NOFILE", 20, "may open 20 files at once (ulimit -n), and needs 64: allow more"),
    ],
)
def test_a_limit_that_is_too_small_is_told_before_the_libraries_are_imported(
    name, limit, said, monkeypatch
):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit
    most = {getattr(resource, name): (limit, limit)}
    monkeypatch.setattr(resource, "getrlimit", lambda which: most.get(which) or before(which))
    with pytest.raises(SystemExit, match=re.escape(said)):
        preflight.refuse_too_small_limits()


@pytest.mark.parametrize("file", ["memory.max", "memory/memory.limit_in_bytes"])
def test_the_memory_of_a_container_is_known(file, tmp_path, monkeypatch):
    own = tmp_path / "own"
    own.write_text("4:memory:/\n2:cpu:/\n0::/\n", encoding="utf-8")
    monkeypatch.setattr(preflight, "GROUP", own)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    for text in ("max", str(1 << 40)):
        (tmp_path / file).write_text(text, encoding="utf-8")
        preflight.refuse_too_small_limits(tmp_path)
    (tmp_path / file).write_text(str(300 << 20), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"may use 300 MiB of memory \(a container's"):
        preflight.refuse_too_small_limits(tmp_path)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "allow more (ulimit -v"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), "ulimit -v"),
        (RuntimeError("can't start new thread"), "run fewer jobs at once"),
        (
            ImportError("libscipy_openblas.so: failed to map segment from shared object"),
            "ulimit -v",
        ),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "ulimit -v"),
        (OSError(errno.EMFILE, "Too many open files"), "allow more open files (ulimit -n)"),
        (OSError(errno.ENOSPC, "No space left on device"), "make room on the disk"),
        (OSError(errno.ENOSPC, "No space; make room on the disk and run again"), ""),
        (FileNotFoundError(errno.ENOENT, "No such file"), ""),
        (ValueError("no"), ""),
    ],
    ids=repr,
)
def test_what_the_system_refuses_has_a_remedy(error, said):
    assert said in remedy(error)
    assert bool(said) == bool(remedy(error))
