"""One run at a time per folder, and no lock that outlives its run on the same machine.

A killed Snakemake leaves its lock behind and then asks for --unlock, which would also unlock a live
run. The profile therefore switches that lock off, and each run takes this one instead: a file that
names its process and machine, and a lock of the operating system, which ends with the process.
A file system may keep such locks to one machine, so that only the file tells of a run on another.
"""

import atexit
import os
import re
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None

# options that run nothing; -n may be combined with other letters, as in -np
DRY = re.compile(
    r"-[A-Za-z]*n[A-Za-z]*|-[DlS]|--(dry\S*|lint|(detailed-)?summary|report|(d3)?dag|rulegraph|"
    r"filegraph|list(-\S+)?|l[tcipu]|print-compilation|archive|containerize)(=.*)?"
)
_held: list[IO] = []  # stays open until this process ends


def take(folder: Path = Path(".snakemake")) -> bool:
    """Take the folder above for this run, or end with a message if another run has it.

    Return whether this run has it until it ends; False in a dry run, which must not hold it, or a
    run that starts meanwhile would be refused.
    """
    if _held or any(map(DRY.fullmatch, sys.argv[1:])):
        return bool(_held)
    folder.mkdir(exist_ok=True)
    owner, mine = folder / "alive", f"{os.getpid()} {socket.gethostname()}"
    file = (folder / "alive.lock").open("w", encoding="utf-8")
    ended = _lock(file, owner)
    try:
        with owner.open("x", encoding="utf-8") as new:  # on one of all machines alone
            new.write(mine)
    except FileExistsError:
        process, _, host = owner.read_text(encoding="utf-8").partition(" ")
        if host and not (ended and host == socket.gethostname()):
            sys.exit(
                f"A run on {host} (process {process}) has this folder, or was killed there. If it "
                f"is no longer alive, delete {owner}; else use another folder with --directory "
                "(make DIR=folder)."
            )
        owner.write_text(mine, encoding="utf-8")
    _held.append(file)
    atexit.register(owner.unlink, missing_ok=True)
    return True


def _lock(file: IO, owner: Path) -> bool:
    """Lock a file, or end if another process of this machine has; return whether that is known."""
    with suppress(AttributeError, OSError):  # no fcntl, or a file system without such locks
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            process = owner.read_text(encoding="utf-8").split()[:1] if owner.is_file() else []
            sys.exit(
                f"Another run is at work in this folder{f' (process {process[0]})' * bool(process)}"
                ": wait until it ends, or use another folder with --directory (make DIR=folder)."
            )
        return True
    return False
