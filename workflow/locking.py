"""Locks of runs that were killed, lifted where the operating system says that they are dead.

Snakemake leaves its lock behind when it is killed outright, and then asks for --unlock. Here every
run also holds a lock of the operating system, which ends with the process: whoever gets that one
knows that no other run is alive, and that all others' locks are leftovers.
"""

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
    r"-[A-Za-z]*n[A-Za-z]*|-[DlS]|--(dry-?run|lint|(detailed-)?summary|report|dag|rulegraph|filegraph|"
    r"list(-\S+)?)(=.*)?"
)
_held: list[IO] = []  # open for as long as this process lives


def lift_stale_locks(folder: Path = Path(".snakemake")) -> bool:
    """Remove the locks in Snakemake's folder if no other run in it is alive.

    Returns
    -------
    bool
        Whether this run is known to be alone, and stays so until it ends.
    """
    # a look at the plan must not hold the lock while a run starts: that one would go without
    if fcntl is None or _held or not folder.is_dir() or any(map(DRY.fullmatch, sys.argv[1:])):
        return bool(_held)
    file = (folder / "alive").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another run is at work, and Snakemake will say so
        file.close()
        return False
    _held.append(file)
    for lock in (folder / "locks").glob("*.lock"):
        lock.unlink(missing_ok=True)
    return True
