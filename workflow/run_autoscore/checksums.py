"""Checksums of outputs, so that no changed file passes for the work of its job.

Snakemake compares only times and settings, so a damaged, edited or copied file looks fine. Each job
therefore records the checksums of its outputs. A run starts by moving away outputs that differ from
their record, and by deleting the partial files of killed jobs.
"""

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from autoscore.files.storage import write_atomically
from run_autoscore.preflight import MADE

RECORDED = Path(".snakemake/checksums")
ASIDE = Path(".snakemake/set_aside")
PARTIAL = ".*.partial*"  # what `write_atomically` fills
NAMED = 5  # files that the message lists


def of(files: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each file."""
    return {file: _checksum(Path(file)) for file in files}


def record(checksums: Mapping[str, str]) -> None:
    """Record the checksums of a job's outputs."""
    for file, checksum in checksums.items():
        write_atomically(RECORDED / file, lambda path, text=checksum: path.write_text(text))


def set_aside_changed(is_output: Callable[[str], bool]) -> None:
    """Move away outputs that differ from their record, and say so.

    Only for a run that is alone in its folder. Partial files of killed jobs are deleted silently.
    """
    for folder in (*MADE, RECORDED):
        for file in Path(folder).rglob(PARTIAL):
            file.unlink(missing_ok=True)
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
            f"version): {named}{more}. Moved to {ASIDE}/; this run makes what it needs again.",
            file=sys.stderr,
        )


def _is_as_left(file: Path) -> bool:
    try:
        return (RECORDED / file).read_text() == _checksum(file)
    except FileNotFoundError:
        return False


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
