"""Jobs end when the Snakemake that started them does, even if that was killed alone.

Otherwise what was left of one run would work on beside the next. Snakemake names itself to its
jobs, since it need not be their parent: that may be a shell or the preloaded interpreter, and what
is above Snakemake itself, as a terminal, may well end before it.
"""

import os
import sys
import threading
import time
from pathlib import Path

RUN = "AUTOSCORE_RUN"  # number and beginning of Snakemake's process, in the environment of its jobs
INTERVAL = 0.5  # seconds between two looks; a new run takes longer to begin


def name_this_run() -> None:
    """Let the jobs that this process starts know with whom they end.

    On a cluster that is the Snakemake beside the job, and not the one that submitted it.
    """
    os.environ[RUN] = f"{os.getpid()} {_begin(os.getpid())}"


def end_with_the_run() -> None:
    """End this process, without a word, once its run or its parent is gone; by hand, never."""
    if RUN in os.environ:
        number, begin = os.environ[RUN].split()
        watched = (int(number), begin, os.getppid())
        threading.Thread(target=_watch, args=watched, daemon=True).start()


def _watch(run: int, begin: str, parent: int) -> None:
    # who loses its parent gets another one, which may have happened before the first look
    while _begin(run) == begin and os.getppid() == parent and _is_below(parent, run):
        time.sleep(INTERVAL)
    os._exit(1)


def _is_below(process: int, run: int) -> bool:
    """Return whether a process is the run or was started by it; True where nobody tells."""
    try:
        while sys.platform == "linux" and process not in (0, run):
            process = int(_told(process)[1])
    except OSError:  # one of them has just ended
        return False
    return process != 0


def _told(process: int) -> list[str]:
    """Return what Linux says of a process: its state, its parent, and so on."""
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()  # after the name, which may hold all


def _begin(process: int) -> str:
    """Return when a process began, since numbers are given again, and nothing if it has ended."""
    try:
        if sys.platform == "linux":
            state, *facts = _told(process)
            return "" if state in "ZX" else facts[18]  # a killed process may wait for its parent
        if os.name == "posix":  # elsewhere this would end the process
            os.kill(process, 0)
    except OSError:
        return ""
    return "unknown"
