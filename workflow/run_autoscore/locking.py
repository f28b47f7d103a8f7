"""One run at a time per folder, and no lock that outlives its run.

A killed Snakemake leaves its lock behind and then asks for --unlock, which would also unlock a live
run. Each run therefore also holds a lock of the operating system, which ends with its process.
The process that gets this lock is alone and may delete Snakemake's; any other is refused.
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

# options that run nothing; -n may be combined with other letters, as in -np
DRY = re.compile(
    r"-[A-Za-z]*n[A-Za-z]*|-[DlS]|--(dry\S*|lint|(detailed-)?summary|report|(d3)?dag|rulegraph|"
    r"filegraph|list(-\S+)?|l[tcipu]|print-compilation|archive|containerize)(=.*)?"
)
_held: list[IO] = []  # stays open until this process ends


def lift_stale_locks(folder: Path = Path(".snakemake")) -> bool:
    """Remove the locks in Snakemake's folder, or end with a message if another run is alive there.

    Return whether this run is alone until it ends; False if unknown.
    """
    # a dry run must not hold the lock, or a run that starts meanwhile would be refused
    if fcntl is None or _held or any(map(DRY.fullmatch, sys.argv[1:])):
        return bool(_held)
    folder.mkdir(exist_ok=True)
    file = (folder / "alive").open("a+", encoding="utf-8")  # keeps what another run wrote
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        process = file.read().strip()
        sys.exit(
            f"Another run is at work in this folder{f' (process {process})' if process else ''}: "
            "wait until it ends, or use another folder with --directory (make DIR=folder)."
        )
    except OSError:  # a file system without such locks: Snakemake's remain
        file.close()
        return False
    file.truncate(0)
    print(os.getpid(), file=file, flush=True)
    _held.append(file)
    for lock in (folder / "locks").glob("*.lock"):
        lock.unlink(missing_ok=True)
    return True
