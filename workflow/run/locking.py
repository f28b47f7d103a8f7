"""One run at a time in a folder, and no lock that outlives its run.

Snakemake leaves its lock behind when it is killed outright, and then asks for --unlock, which takes
the lock of a live run as well. Here every run also holds a lock of the operating system, which ends
with the process: whoever gets that one knows that no other run is alive, and that all others' locks
are leftovers; whoever does not is refused, --unlock or not.
"""

import os
import re
import sys
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # not on Windows, where --unlock remains
    fcntl = None

# these run nothing; -n may stand among other letters, as in -np
DRY = re.compile(
    r"-[A-Za-z]*n[A-Za-z]*|-[DlS]|--(dry\S*|lint|(detailed-)?summary|report|(d3)?dag|rulegraph|"
    r"filegraph|list(-\S+)?|l[tcipu]|print-compilation|archive|containerize)(=.*)?"
)
_held: list[IO] = []  # open for as long as this process lives


def lift_stale_locks(folder: Path = Path(".snakemake")) -> bool:
    """Remove the locks in Snakemake's folder, or end with a message if another run is alive in it.

    Returns
    -------
    bool
        Whether this run is known to be alone, and stays so until it ends.
    """
    # a look at the plan must not hold the lock while a run starts: that one would be refused
    if fcntl is None or _held or any(map(DRY.fullmatch, sys.argv[1:])):
        return bool(_held)
    folder.mkdir(exist_ok=True)
    file = (folder / "alive").open("a+", encoding="utf-8")  # what the other run wrote stays
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        process = file.read().strip()
        sys.exit(
            f"Another run is at work in this folder{f' (process {process})' if process else ''}: "
            "wait until it ends, or use another folder with --directory (make DIR=folder)."
        )
    except OSError:  # a disk without such locks: Snakemake's own remain
        file.close()
        return False
    file.truncate(0)
    print(os.getpid(), file=file, flush=True)
    _held.append(file)
    for lock in (folder / "locks").glob("*.lock"):
        lock.unlink(missing_ok=True)
    return True
