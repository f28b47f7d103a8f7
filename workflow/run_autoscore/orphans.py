"""Jobs end with the Snakemake that started them, even if only that was killed.

Otherwise leftover jobs of one run would work beside the next. Snakemake puts its process into the
environment of its jobs, because their parent may be a shell or the preloaded interpreter.
"""

import os
import sys
import threading
import time
from pathlib import Path

RUN = "AUTOSCORE_RUN"  # environment variable: id and start time of Snakemake's process
INTERVAL = 0.5  # seconds between checks; a new run takes longer to start


def name_this_run() -> None:
    """Make the jobs of this process end with it; on a cluster, this is the process on the node."""
    os.environ[RUN] = f"{os.getpid()} {_begin(os.getpid())}"


def end_with_the_run() -> None:
    """End this process silently once its run or its parent is gone; never if started by hand."""
    if RUN in os.environ:
        number, begin = os.environ[RUN].split()
        watched = (int(number), begin, os.getppid())
        threading.Thread(target=_watch, args=watched, daemon=True).start()


def _watch(run: int, begin: str, parent: int) -> None:
    # an orphan may get a new parent before the first check
    while _begin(run) == begin and os.getppid() == parent and _is_below(parent, run):
        time.sleep(INTERVAL)
    os._exit(1)


def _is_below(process: int, run: int) -> bool:
    """Return whether a process descends from the run; True where that is unknown."""
    try:
        while sys.platform == "linux" and process not in (0, run):
            process = int(_told(process)[1])
    except OSError:  # one of them has just ended
        return False
    return process != 0


def _told(process: int) -> list[str]:
    """Return what Linux says about a process: state, parent, and so on."""
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()  # after the name, which may hold anything


def _begin(process: int) -> str:
    """Return when a process started, since ids are reused; "" if it has ended."""
    try:
        if sys.platform == "linux":
            state, *facts = _told(process)
            return "" if state in "ZX" else facts[18]  # zombies have ended
        if os.name == "posix":  # on Windows this would end the process
            os.kill(process, 0)
    except OSError:
        return ""
    return "unknown"
