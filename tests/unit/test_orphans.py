"""Jobs do not outlive the run that started them, and outlive all else."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from run_autoscore import orphans

WATCHED = f"""
import os, subprocess, sys, time
sys.path.insert(0, {str(Path(orphans.__file__).parents[1])!r})
from run_autoscore import orphans
orphans.INTERVAL = 0.02
"""
JOB = f"""{WATCHED}
print("job", os.getpid(), flush=True)
time.sleep(float(os.environ.get("LATE", 0)))
orphans.end_with_the_run()
time.sleep(600)
"""
RUN = f"""{WATCHED}
if "BY_HAND" not in os.environ:
    orphans.name_this_run()
shell = subprocess.Popen(["bash", "-c", os.environ["SHELL_RUNS"]])
print("run", os.getpid(), flush=True)
print("shell", shell.pid, flush=True)
time.sleep(600)
"""
# in place of the shell that runs it, or as its child
COMMANDS = {"replaced": "set -e; {python} job.py", "waiting": "{python} job.py; true"}


def is_at_work(process):
    with suppress(FileNotFoundError, ProcessLookupError):
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
        return told.rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def started(tmp_path):
    """Return what starts a terminal, in it a run, a shell and a job, and returns their numbers."""
    begun = {}

    def start(command, **environment):
        (tmp_path / "job.py").write_text(JOB, encoding="utf-8")
        (tmp_path / "run.py").write_text(RUN, encoding="utf-8")
        python = f"'{sys.executable}'"
        environment |= {"SHELL_RUNS": COMMANDS[command].format(python=python)}
        inherited = {name: value for name, value in os.environ.items() if name != orphans.RUN}
        terminal = subprocess.Popen(
            ["sh", "-c", f"{python} run.py; true"],
            **{"cwd": tmp_path, "env": inherited | environment},
            **{"stdout": subprocess.PIPE, "text": True},
        )
        told = dict(terminal.stdout.readline().split() for _ in range(3))  # in any order
        begun.update({name: int(number) for name, number in told.items()}, terminal=terminal.pid)
        begun["streams"] = terminal
        return begun

    yield start
    terminal = begun.pop("streams")
    for process in begun.values():
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    terminal.communicate()


def wait_for_the_end_of(process):
    end = time.monotonic() + 120  # a machine at work may be slow
    while is_at_work(process):
        assert time.monotonic() < end
        time.sleep(0.02)


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at in /proc")


@on_linux
@pytest.mark.parametrize(
    ("killed", "command"), [("run", "replaced"), ("run", "waiting"), ("shell", "waiting")]
)
def test_a_job_ends_when_what_started_it_is_killed(started, killed, command):
    processes = started(command)
    assert is_at_work(processes["job"])
    os.kill(processes[killed], signal.SIGKILL)
    wait_for_the_end_of(processes["job"])


@on_linux
@pytest.mark.parametrize("command", COMMANDS)
def test_a_job_ends_whose_run_was_killed_before_it_could_look(started, command):
    processes = started(command, LATE="0.3")
    os.kill(processes["run"], signal.SIGKILL)
    wait_for_the_end_of(processes["job"])


@on_linux
@pytest.mark.parametrize("command", COMMANDS)
def test_a_job_outlives_the_terminal_of_its_run(started, command):
    processes = started(command)
    os.kill(processes["terminal"], signal.SIGKILL)
    time.sleep(0.3)
    assert is_at_work(processes["job"])


@on_linux
@pytest.mark.parametrize("command", COMMANDS)
def test_a_script_that_is_run_by_hand_watches_nobody(started, command):
    processes = started(command, BY_HAND="1")
    os.kill(processes["run"], signal.SIGKILL)
    time.sleep(0.3)
    assert is_at_work(processes["job"])


@on_linux
def test_a_job_ends_whose_shell_was_killed_before_it_could_look(started):
    processes = started("waiting", LATE="0.3")
    os.kill(processes["shell"], signal.SIGKILL)
    wait_for_the_end_of(processes["job"])
    assert is_at_work(processes["run"])


def test_who_has_ended_or_begun_anew_is_another_one():
    assert orphans._begin(os.getpid()) == orphans._begin(os.getpid()) != ""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    if sys.platform == "linux":
        wait_for_the_end_of(ended.pid)  # nobody has asked how it ended: its number is still there
        assert orphans._begin(ended.pid) == ""
    ended.wait()
    assert orphans._begin(ended.pid) == ""
