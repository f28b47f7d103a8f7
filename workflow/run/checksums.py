"""Checksums of what the jobs have made, so that what was changed since is not served as theirs.

Snakemake compares times and settings: a file that was damaged, edited or brought from elsewhere
passes for the work of its job. Every job therefore leaves the checksums of its outputs, and a run
begins by setting aside whatever does not have its own, and removing what killed jobs half wrote.
"""

import hashlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from autoscore.files.storage import write_atomically
from run.preflight import MADE

RECORDED = Path(".snakemake/checksums")
ASIDE = Path(".snakemake/set_aside")
PARTIAL = ".*.partial*"  # what `write_atomically` fills
NAMED = 5  # files that the message names


def record(files: Iterable[str]) -> None:
    """Keep the checksums of what a job has made."""
    for file in files:
        checksum = _checksum(Path(file))
        write_atomically(RECORDED / file, lambda path, text=checksum: path.write_text(text))


def set_aside_changed(is_output: Callable[[str], bool]) -> None:
    """Move away what is not as its job left it, and say so; only for a run that is alone.

    What killed jobs half wrote is removed without a word.

    Parameters
    ----------
    is_output
        Whether a file is one that some rule makes; others are left alone.
    """
    _remove_partial()
    changed = [
        file
        for folder in MADE
        for file in sorted(Path(folder).rglob("*"))
        if file.is_file() and is_output(file.as_posix()) and not _is_as_left(file)
    ]
    for file in changed:
        (ASIDE / file).parent.mkdir(parents=True, exist_ok=True)
        file.replace(ASIDE / file)
    if changed:
        named = ", ".join(file.as_posix() for file in changed[:NAMED])
        more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        print(
            "Not as a job of this project left it (unfinished, damaged, edited or of an earlier "
            f"version): {named}{more}. Moved to {ASIDE}/; what is needed of it is made anew.",
            file=sys.stderr,
        )


def _remove_partial() -> None:
    for folder in (*MADE, RECORDED):
        for file in Path(folder).rglob(PARTIAL):
            file.unlink(missing_ok=True)


def _is_as_left(file: Path) -> bool:
    try:
        return (RECORDED / file).read_text() == _checksum(file)
    except FileNotFoundError:
        return False


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
