"""Files that are either whole or absent.

Every file is written beside its destination and renamed into place, so that a killed job leaves no
half-written file under a name that others read.
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

UNSEALED = "0" * 64  # stands in a file where its own SHA-256 will
REFUSED = re.compile(r"\(os error \d+\)")  # in messages of safetensors


class DamagedFileError(ValueError):
    """A file does not hold what was written to it; the message names it and the remedy."""


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file with the suffix of `path`, then rename it to `path`.

    Missing parent folders are made. An OSError names `path`, the reason and the remedy.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # a name of its own, so that two writers cannot mix; the next run removes what killed ones leave
    temporary = path.with_name(f".{path.stem}.partial-{token_hex(4)}{path.suffix}")
    try:
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        # unlike a failed opening, a failed write does not name the file
        reason = "; ".join(filter(None, [error.strerror, REMEDIES.get(error.errno or 0)]))
        raise OSError(error.errno, reason or str(error), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Raise DamagedFileError, with the file and the remedy, for any fault found while reading it.

    What the system refuses (a missing or protected file, memory, a failing disk) is raised as is.
    """
    with Path(path).open("rb"):  # in Python's words: some formats call any hindrance "no such file"
        pass
    try:
        yield
    except Exception as error:  # every format, and every damage, has its own
        if _is_of_the_system(error):
            raise
        raise DamagedFileError(
            f"{path} is damaged or of another version ({error}): delete it and run again, "
            "and it is made anew"
        ) from error


def _is_of_the_system(error: Exception) -> bool:
    if isinstance(
        error, OSError
    ):  # formats raise it, too: without a number, or with that of a seek
        numbered = error.errno not in (None, errno.EINVAL)  # to a place before the file
        return numbered or isinstance(error, FileNotFoundError)
    return is_of_memory(error) or bool(REFUSED.search(str(error)))


def seal(content: bytes) -> bytes:
    """Return a file's content with its SHA-256 where `UNSEALED` stands first."""
    return content.replace(UNSEALED.encode(), hashlib.sha256(content).hexdigest().encode(), 1)


def check_seal(content: bytes, digest: str) -> None:
    """Raise ValueError unless a content is as it was sealed; `digest` is the SHA-256 it names."""
    unsealed = content.replace(digest.encode(), UNSEALED.encode(), 1)
    if hashlib.sha256(unsealed).hexdigest() != digest:
        raise ValueError("its checksum is not that of its content" if digest else "no checksum")


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to an .npz file without pickle."""
    write_atomically(path, lambda temporary: np.savez(temporary, **arrays, allow_pickle=False))


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of an .npz file, except pickled objects; errors are those of `reading`."""
    with reading(path), np.load(path, allow_pickle=False) as archive:
        # NumPy reads only as far as an array's shape says, and then does not compare checksums
        if damaged := archive.zip.testzip():
            raise ValueError(f"the checksum of {damaged} is not that of its content")
        return dict(archive)


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a tidy table as .csv, with every digit that a double carries."""
    write_atomically(path, lambda temporary: table.to_csv(temporary, index=False))


def read_tables(paths: Sequence[str | Path], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read .csv tables of the same columns into one; without files it has `columns`."""
    tables = [pd.read_csv(path) for path in paths]
    # columns of a table without rows have no type of their own, and would spoil that of others
    whole = [table for table in tables if len(table)] or tables[:1]
    return pd.concat(whole, ignore_index=True) if whole else pd.DataFrame(columns=columns)


def fingerprint(settings: object, paths: Iterable[str | Path]) -> str:
    """Return a short name that changes with settings of plain values or with any file's content."""
    digest = hashlib.sha256(repr(settings).encode())
    for path in paths:
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()[:16]
