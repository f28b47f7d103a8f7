"""A Slurm cluster of one node on loopback, for as long as a test takes.

As root, in a container for instance: ``python -m tests.slurm.cluster start FOLDER`` and
``... stop FOLDER``. Packages (Debian): slurm-wlm, munge. There is no accounting, so that the state
of jobs is asked of squeue. Jobs forget SLURM_CONF, and look for the configuration where a system
has it: it is put there for that time, if there is none.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
SYSTEM = Path("/etc/slurm/slurm.conf")
HOST = socket.gethostname().split(".")[0]
SECONDS = 60  # that anything may take

CONFIGURATION = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
ReturnToService=1
MailProg=/bin/true
MinJobAge=600
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """Return what a cluster here lacks: daemons, the rights of root, a free place."""
    found = [name for name in DAEMONS if shutil.which(name, path=_path()) is None]
    found += ["root"] if os.geteuid() else []
    return found + ([f"no {SYSTEM} of another cluster"] if _is_taken() else [])


def _is_taken() -> bool:
    """Return whether there is a cluster; the file that a killed test left behind is none."""
    if not SYSTEM.exists():
        return False
    named = re.search(r"^SlurmctldPidFile=(.*)$", SYSTEM.read_text(), re.MULTILINE)
    if named is None or "ClusterName=loopback" not in SYSTEM.read_text():
        return True
    file = Path(named[1])
    return file.exists() and Path(f"/proc/{file.read_text().strip()}").exists()


class Cluster:
    """One controller and one node, all of whose files are in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need."""
        return {"PATH": _path()}

    def start(self) -> None:
        """Start everything, and wait until the node takes jobs."""
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        self.folder.chmod(0o755)
        SYSTEM.parent.mkdir(exist_ok=True)
        SYSTEM.write_text(self._configuration(), encoding="utf-8")
        here = self.folder
        self.run(
            "munged", "--force", f"--key-file={key}", f"--socket={here}/munge.socket",
            f"--pid-file={here}/munged.pid", f"--log-file={here}/munged.log",
            f"--seed-file={here}/munge.seed",
        )  # fmt: skip
        self.run("slurmctld")
        self.run("slurmd")
        if not self._wait_until(lambda: self._state() == "idle"):
            logs = "\n".join(file.read_text() for file in sorted(here.glob("*.log")))
            raise RuntimeError(f"the node is {self._state() or 'not there'}, not idle:\n{logs}")

    def stop(self) -> None:
        """Cancel all jobs, and stop everything that was started."""
        self.run("scancel", "--user=root", check=False)
        self._wait_until(lambda: not self._jobs())
        for name in reversed(DAEMONS):
            pid = self.folder / f"{name}.pid"
            if pid.exists():
                self.run("kill", pid.read_text().strip(), check=False)
        SYSTEM.unlink(missing_ok=True)

    def running(self) -> list[str]:
        """Return the numbers of the jobs that are running."""
        return self._jobs("--states=RUNNING")

    def told(self) -> list[str]:
        """Return what the controller says of each job, those that have ended included."""
        text = self.run("scontrol", "--oneliner", "show", "jobs").stdout
        return sorted(text.splitlines(), key=lambda job: int(re.search(r"JobId=(\d+)", job)[1]))

    def lose_node(self) -> list[str]:
        """Let the node go down, come back, and return the jobs that it had to start again."""
        self._set(f"nodename={HOST}", "state=down", "reason=test")
        self._wait_until(lambda: not self.running())
        self._set(f"nodename={HOST}", "state=resume")
        lost = self._jobs()
        for job in lost:  # of itself Slurm starts them again after two minutes
            self._set(f"jobid={job}", "starttime=now")
        return lost

    def _set(self, *changes: str) -> None:
        self.run("scontrol", "update", *changes)

    def _jobs(self, *options: str) -> list[str]:
        return self.run("squeue", "--noheader", "--format=%i", *options, check=False).stdout.split()

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run one of Slurm's commands."""
        return subprocess.run(
            words, env=os.environ | self.environment, check=check, capture_output=True, text=True
        )

    def _configuration(self) -> str:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        with socket.socket() as first, socket.socket() as second:
            for one in (first, second):
                one.bind(("127.0.0.1", 0))
            ports = [one.getsockname()[1] for one in (first, second)]
        return CONFIGURATION.format(
            host=HOST,
            folder=self.folder,
            ports=ports,
            # of what a group of jobs asks for it mostly uses half
            cpus=2 * os.cpu_count(),
            memory=2 * pages // 2**20,
        )

    def _state(self) -> str:
        return self.run("sinfo", "--noheader", "--format=%T", check=False).stdout.strip()

    @staticmethod
    def _wait_until(happened: Callable[[], bool]) -> bool:
        """Return whether something happens in time."""
        end = time.monotonic() + SECONDS
        while not (found := happened()) and time.monotonic() < end:
            time.sleep(0.5)
        return found


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


if __name__ == "__main__":
    action, folder = sys.argv[1:]
    {"start": Cluster.start, "stop": Cluster.stop}[action](Cluster(Path(folder)))
