"""A Slurm cluster of one node on loopback, for as long as a test takes.

As root, in a container for instance: ``python -m tests.slurm.cluster start FOLDER`` and
``... stop FOLDER``. Packages (Debian): slurm-wlm, munge. There is no accounting, so that the state
of jobs is asked of squeue. Jobs forget SLURM_CONF, and look for the configuration where a system
has it: it is put there for that time, if there is none.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
SYSTEM = Path("/etc/slurm/slurm.conf")
SECONDS = 60  # for which the node may take to be idle

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
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
MailProg=/bin/true
MinJobAge=600
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """Return what a cluster here lacks: daemons, the rights of root, a free place."""
    found = [name for name in DAEMONS if shutil.which(name, path=_path()) is None]
    found += ["root"] if os.geteuid() else []
    return found + ([f"no {SYSTEM} of another cluster"] if SYSTEM.exists() else [])


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
        self._run(
            "munged", "--force", f"--key-file={key}", f"--socket={here}/munge.socket",
            f"--pid-file={here}/munged.pid", f"--log-file={here}/munged.log",
            f"--seed-file={here}/munge.seed",
        )  # fmt: skip
        self._run("slurmctld")
        self._run("slurmd")
        self._wait_until_idle()

    def stop(self) -> None:
        """Cancel all jobs, and stop everything that was started."""
        self._run("scancel", "--user=root", check=False)
        for name in reversed(DAEMONS):
            pid = self.folder / f"{name}.pid"
            if pid.exists():
                self._run("kill", pid.read_text().strip(), check=False)
        SYSTEM.unlink(missing_ok=True)

    def _run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess:
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
            host=socket.gethostname().split(".")[0],
            folder=self.folder,
            ports=ports,
            cpus=os.cpu_count(),
            memory=pages // 2**20 - 500,
        )

    def _wait_until_idle(self) -> None:
        end = time.monotonic() + SECONDS
        state = ""
        while time.monotonic() < end:
            state = self._run("sinfo", "--noheader", "--format=%T", check=False).stdout.strip()
            if state == "idle":
                return
            time.sleep(0.5)
        logs = "\n".join(file.read_text() for file in sorted(self.folder.glob("*.log")))
        raise RuntimeError(f"after {SECONDS} s the node is {state or 'not there'}:\n{logs}")


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


if __name__ == "__main__":
    action, folder = sys.argv[1:]
    {"start": Cluster.start, "stop": Cluster.stop}[action](Cluster(Path(folder)))
