"""Files that are either whole or absent.

Everything is written beside its destination and renamed into place, so that
a killed job leaves no half-written file under a name that others read.
"""

import errno
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import numpy as np
import pandas as pd

from autoscore.files.remedies import REMEDIES, is_of_memory

UNSEALED = "0" * 64  # stands in a file where its own SHA-256 comes
REFUSED = re.compile(r"\(os error \d+\)")  # of safetensors


class DamagedFileError(ValueError):
    """A file does not hold what was written to it; the message names it and the remedy."""


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it to `path`.

    Parameters
    ----------
    path
        Destination; missing parent folders are made.
    write
        Called with the temporary path, which has the suffix of `path`.

    Raises
    ------
    OSError
        If it cannot be written; the message names `path`, the reason and the remedy.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # of its own, so that two at once cannot mix; what killed ones leave, the next run removes
    temporary = path.with_name(f".{path.stem}.partial-{token_hex(4)}{path.suffix}")
    try:
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        # a failed write, unlike a failed opening, does not say of what
        reason = "; ".join(filter(None, [error.strerror, REMEDIES.get(error.errno)]))
        raise OSError(error.errno, reason or str(error), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Name the file, and the remedy, in whatever goes wrong while it is read.

    Raises
    ------
    DamagedFileError
        If it could be read, but does not hold what it should. What the system refuses (a file that
        is not there or may not be opened, memory, a failing disk) stays as it is.
    """
    with Path(path).open("rb"):  # in Python's words: some formats call any hindrance "no such file"
        pass
    try:
        yield
    except Exception as error:  # each format, and each damage, has its own
        if _is_of_the_system(error):
            raise
        raise DamagedFileError(
            f"{path} is damaged or of another version ({error}): delete it and run again, "
            "and it is made anew"
        ) from error


def _is_of_the_system(error: Exception) -> bool:
    """Return whether the system refused something, whatever the file may hold."""
    if isinstance(error, OSError):  # formats raise it, too, but have no number for it
        numbered = error.errno not in (None, errno.EINVAL)  # the latter for places before the file
        return numbered or isinstance(error, FileNotFoundError)
    return is_of_memory(error) or bool(REFUSED.search(str(error)))


def seal(content: bytes) -> bytes:
    """Return a file's content with its SHA-256 where it has `UNSEALED` for the first time."""
    return content.replace(UNSEALED.encode(), hashlib.sha256(content).hexdigest().encode(), 1)


def check_seal(content: bytes, told: str) -> None:
    """Raise ValueError unless a content is as it was sealed, with the SHA-256 that it tells."""
    unsealed = content.replace(told.encode(), UNSEALED.encode(), 1)
    if hashlib.sha256(unsealed).hexdigest() != told:
        raise ValueError("its checksum is not that of its content" if told else "no checksum")


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to an .npz file without pickle."""
    write_atomically(path, lambda temporary: np.savez(temporary, **arrays, allow_pickle=False))


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of an .npz file; object arrays are refused, with what else is `reading`."""
    with reading(path), np.load(path, allow_pickle=False) as archive:
        # NumPy alone reads no further than an array's shape says, and then compares nothing
        if damaged := archive.zip.testzip():
            raise ValueError(f"the checksum of {damaged} is not that of its content")
        return dict(archive)


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a tidy table as .csv, with every digit that a double carries."""
    write_atomically(path, lambda temporary: table.to_csv(temporary, index=False))


def fingerprint(settings: object, paths: Iterable[str | Path]) -> str:
    """Return a short name that changes with settings of plain values or with any file's content."""
    digest = hashlib.sha256(repr(settings).encode())
    for path in paths:
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()[:16]


def read_tables(paths: Sequence[str | Path], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read .csv tables with the same columns, some of them without rows, and put them together.

    Parameters
    ----------
    paths
        The files.
    columns
        Those that the table has if there are no files.
    """
    tables = [pd.read_csv(path) for path in paths]
    # columns without rows have no type of their own, and would spoil that of others
    whole = [table for table in tables if len(table)] or tables[:1]
    return pd.concat(whole, ignore_index=True) if whole else pd.DataFrame(columns=columns)
