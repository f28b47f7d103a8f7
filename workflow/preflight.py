"""What a run needs of its folder, seen to before it starts: places to write to, and sound times."""

import os
import shutil
import sys
import time
from pathlib import Path

MADE = ("results", "figures")
ROOM = 1 << 20  # bytes without which not even Snakemake's own notes find room
TICK = 0.001  # seconds by which times stay apart


def refuse_what_cannot_be_written() -> None:
    """End with a message, before Snakemake stumbles, if results could not be written."""
    made = [folder for name in MADE for folder in [Path(name), *Path(name).rglob("*/")]]
    for folder in [Path(), Path(".snakemake"), *made]:
        if folder.exists() and not folder.is_dir():
            sys.exit(f"{folder} is a file, but a folder has to be there: move the file away.")
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            sys.exit(
                f"{'This folder' if folder == Path() else folder} cannot be written to: make it "
                "writable (chmod u+w), or give another place with --directory (make DIR=folder)."
            )
    free = shutil.disk_usage(".").free
    if free < ROOM:
        sys.exit(f"The disk is full ({free} bytes are free): make room on it and run again.")


def bring_times_back() -> None:
    """Give files from the future the present time, in their order.

    After a clock was set back, a job could not be newer than such an input, however often it ran.
    """
    now = time.time()
    files = [file for folder in MADE for file in Path(folder).rglob("*") if file.is_file()]
    late = [file for file in files if file.stat().st_mtime > now]
    late.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    for steps, file in enumerate(late):
        os.utime(file, (now, now - TICK * steps))
