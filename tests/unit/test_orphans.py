"""Jobs do not outlive the run that started them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import orphans

JOB = f"""
import os, sys, time
sys.path.insert(0, {str(Path(orphans.__file__).parent)!r})
import orphans
orphans.end_with_the_run()
print("job", os.getpid(), flush=True)
time.sleep(60)
"""
RUN = """
import subprocess, sys, time
shell = subprocess.Popen(["bash", "-c", f"set -e; '{sys.executable}' '{sys.argv[1]}'; true"])
print("shell", shell.pid, flush=True)
time.sleep(60)
"""


def is_at_work(process):
    with suppress(FileNotFoundError):
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
        return told.rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="a shell's parent is told on Linux only")
@pytest.mark.parametrize("killed", ["run", "shell"])
def test_a_job_ends_when_what_started_it_is_killed(killed, tmp_path):
    (tmp_path / "job.py").write_text(JOB, encoding="utf-8")
    command = [sys.executable, "-c", RUN, tmp_path / "job.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        told = dict(run.stdout.readline().split() for _ in range(2))  # in either order
        processes = {name: int(number) for name, number in told.items()} | {"run": run.pid}
        try:
            assert is_at_work(processes["job"])
            os.kill(processes[killed], signal.SIGKILL)
            end = time.monotonic() + 10
            while is_at_work(processes["job"]):
                assert time.monotonic() < end
                time.sleep(0.05)
        finally:
            for process in processes.values():
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
