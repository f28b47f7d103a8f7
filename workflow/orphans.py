"""Jobs end when the Snakemake that started them does, even if that was killed alone.

Otherwise what was left of one run would write into the next one's files.
"""

import os
import threading
import time
from pathlib import Path

INTERVAL = 0.5  # seconds between two looks; a new run takes longer to begin


def end_with_the_run() -> None:
    """Watch over this process's parents, and end it, without a word, once one of them is gone."""
    threading.Thread(target=_watch, args=(_parents(),), daemon=True).start()


def _parents() -> list[int]:
    """Return the parent and, where the system tells, its parent: a shell, and Snakemake.

    Who loses its parent gets another one.
    """
    parent = os.getppid()
    try:
        told = Path(f"/proc/{parent}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not on Linux, or gone
        return [parent]
    # state and parent come after the name, which may hold anything
    return [parent, int(told.rpartition(")")[2].split()[1])]


def _watch(parents: list[int]) -> None:
    while _parents() == parents:
        time.sleep(INTERVAL)
    os._exit(1)
