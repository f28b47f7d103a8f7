"""Tables of numbers in .csv and .npy files: read, or refused in one sentence.

A file that parses is not yet understood: ``1,5`` may be two numbers or one with a decimal comma, a
first line of numbers may be a point or a header, and a column that counts may be an index. A file
that can be read in two ways is refused, and the message says how to write it unambiguously.
"""

import csv
import math
import re
import stat
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from autoscore.wording import cut, shown

LARGEST = 2 * 10**9  # bytes of a file, and of its numbers in memory
MISSING = {"", "na", "nan", "null"}  # in any case
INFINITE = {"inf", "infinity"}
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
COUNTED = 5  # rows in which a column without a title must count before it is called an index
UNLIKE = 30  # fractional numbers that must follow a first row of whole ones to call it a header
SIGNATURES = {  # the first bytes of other file formats
    (b"\x1f\x8b",): "it is compressed with gzip: unpack it first",
    (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"): (
        "it is an Excel workbook or another archive: save the table as CSV"
    ),
    (b"\x93NUMPY",): "it is a .npy file: its name must say so",
    (b"\xff\xfe", b"\xfe\xff"): "it is encoded in UTF-16: save it as UTF-8",
}
DROP = "a missing value; missing: drop leaves out such rows"


@dataclass(frozen=True)
class Table:
    """Finite points ``(n, d)``, a title per coordinate if the file has titles, and dropped rows."""

    points: np.ndarray
    titles: tuple[str, ...] | None
    dropped: int = 0


def read_table(
    path: str | Path, columns: Sequence[str] | None = None, missing: str = "refuse"
) -> Table:
    """Read a table of numbers from a .csv or .npy file.

    A .csv file is in UTF-8, with one row per line, commas between cells and decimal points; its
    first line may hold titles. `columns` picks columns by title, in this order; the others may hold
    text. If a value is missing (empty, NA, NaN or null), ``"refuse"`` the file or ``"drop"`` the
    row. Raises ValueError, in one sentence with file, place and remedy, if the file is no table of
    finite numbers or is ambiguous.
    """
    file = Path(path)
    try:
        if file.suffix.lower() not in (".csv", ".npy"):
            raise ValueError(
                "its name must end in .npy or .csv: unpack a compressed file, save a workbook as "
                "CSV, or one array of an archive with np.save"
            )
        _check_file(file)
        read = _read_npy if file.suffix.lower() == ".npy" else _read_csv
        table = read(file, columns, missing)
        if len(table.points) > 1 and (table.points == table.points[0]).all():
            raise ValueError(f"all of its {len(table.points)} points are the same")
        return table
    except FileNotFoundError:
        here = cut(str(Path.cwd()), 100)
        reason = f"No such file; a relative path starts in the folder of the run, here {here}"
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError as error:
        reason = str(error)
    name = str(path) if str(path).isprintable() else repr(str(path))
    raise ValueError(f"cannot read samples from {cut(name, 100)}: {reason}")


def _check_file(file: Path) -> None:
    """Refuse, before opening it, what may have no end or not fit into memory."""
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is a folder, a pipe or a device, not a regular file")
    if found.st_size > LARGEST:
        size = f"{found.st_size / 1e9:.1f} GB; allowed are {LARGEST / 1e9:g}"
        raise ValueError(f"it has {size}: take fewer points")
    if not found.st_size:
        raise ValueError("it is empty")


# --- .npy ---------------------------------------------------------------------


def _read_npy(file: Path, columns: Sequence[str] | None, missing: str) -> Table:
    if columns is not None:
        raise ValueError("it has no titles, by which columns are picked: only a .csv file has")
    stored = _stored_array(file)
    if stored.dtype.kind not in "fiu":
        held = stored.dtype.type.__name__.rstrip("_")
        raise ValueError(f"it holds values of type {held}, not real numbers")
    if stored.ndim != 2 or 0 in stored.shape:
        hint = ": save points.reshape(-1, 1) for points on a line" if stored.ndim == 1 else ""
        raise ValueError(f"it must have shape (n, d), not {shown(stored.shape, 60)}{hint}")
    with np.errstate(over="ignore"):  # values beyond double precision become inf: refused below
        points = np.array(stored, dtype=float)
    for row, column in np.argwhere(np.isinf(points))[:1]:
        raise ValueError(f"points[{row}, {column}] is not finite")
    absent = np.isnan(points)
    for row, column in np.argwhere(absent)[:1] if missing != "drop" else []:
        raise ValueError(f"points[{row}, {column}] is nan, {DROP}")
    complete = ~absent.any(axis=1)
    if not complete.any():
        raise ValueError(f"each of its {len(points)} rows lacks a value")
    return Table(points[complete], None, int((~complete).sum()))


def _stored_array(file: Path) -> np.ndarray:
    """Return the array as stored, mapped into memory instead of read."""
    with file.open("rb") as stream:
        start = stream.read(6)
    if start != b"\x93NUMPY":
        hint = "; it may be a .npz archive" if start.startswith(b"PK") else ""
        raise ValueError(f"it is no .npy file as np.save writes it{hint}")
    try:
        with np.errstate(over="ignore"):  # a shape too large for the file is an error anyway
            stored = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy evaluates a damaged header, which may raise anything
        if "Python objects" in str(error):
            raise ValueError("it holds Python objects, not real numbers") from None
        raise ValueError(f"it is damaged ({cut(' '.join(str(error).split()), 120)})") from None
    if 8 * stored.size > LARGEST:
        raise ValueError(f"it holds {stored.size} numbers; allowed are {LARGEST // 8}")
    return stored


# --- .csv ---------------------------------------------------------------------


def _read_csv(file: Path, columns: Sequence[str] | None, missing: str) -> Table:
    with file.open("rb") as stream:
        start = stream.read(4096)
    for signatures, sentence in SIGNATURES.items():
        if start.startswith(signatures):
            raise ValueError(sentence)
    if b"\0" in start:
        raise ValueError("it holds zero bytes: it is no text, or is encoded in UTF-16")
    rows = _rows(file)
    line, first = next(rows, (0, []))
    if not first:
        raise ValueError("it holds no rows")
    titles = _titles(line, first) if columns is None else _picked(first, columns)
    kept = [first.index(name) for name in columns or ()] or range(len(first))
    called = [f"column {shown(titles[k], 40) if titles and titles[k] else k + 1}" for k in kept]
    values, dropped = array("d"), 0
    for number, row in rows if titles else chain([(line, first)], rows):
        if len(row) != len(first):
            wrong = (
                f"is a row of {len(row)}, not of {len(first)} as the first one: write decimal "
                "points, no comma at the end, and no names of rows"
            )
            raise ValueError(f"line {number} {_dialect(','.join(row)) or wrong}")
        numbers = _numbers(number, [row[column] for column in kept], called, missing)
        dropped += not numbers
        values.extend(numbers)
    if not values:
        lacking = f"each of its {dropped} rows lacks a value"
        raise ValueError(lacking if dropped else "it holds no rows of numbers")
    points = np.array(values).reshape(-1, len(kept))
    if columns is None:
        _check_first_column(titles, points, dropped)
    if titles is None:
        _check_first_row(file, first, points)
    return Table(points, tuple(titles[column] for column in kept) if titles else None, dropped)


def _rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each row that is not blank, after the number of its last line."""
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        reader = csv.reader(_lines(text), skipinitialspace=True, strict=True)
        try:
            for row in filter(None, reader):
                yield reader.line_num, [cell.strip() for cell in row]
        except csv.Error as error:
            raise ValueError(
                f"line {reader.line_num} has a quotation mark or a cell without an end ({error})"
            ) from None


def _lines(text: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(text, 1):
        if re.search("[\udc80-\udcff]", line):  # what stands for bytes that are not UTF-8
            raise ValueError(
                f"line {number} is not encoded in UTF-8, but perhaps in Latin-1: save it as UTF-8"
            )
        yield "\n" if line.isspace() else line


def _titles(line: int, cells: list[str]) -> list[str] | None:
    """Return the first row if it holds titles, None if it is a point."""
    numbers = [cell for cell in cells if _is_number(cell)]
    texts = [cell for cell in cells if not _is_number(cell) and not _is_missing(cell)]
    # pandas writes an index beside numbered columns under the titles ",0,1"
    counted = len(cells) > 1 and not cells[0] and all(map(WHOLE.fullmatch, cells[1:]))
    if not texts and not counted:
        return None
    # digits without a letter are a number in another dialect rather than a title
    odd = [cell for cell in texts if re.search(r"\d", cell) and not re.search(r"[^\W\d_]", cell)]
    if texts and (odd or numbers or cells[0].startswith("#")):
        dialect = _dialect(",".join(cells)) or _dialect(texts[0])
        raise ValueError(f"line {line} {dialect or _no_number((odd or texts)[0])}")
    for place, title in enumerate(cells[1:], 1):  # the first is checked together with its column
        if not title:
            raise ValueError(f"column {place + 1} has no title: give it one, or take it away")
        if title in cells[:place]:
            raise ValueError(f"the title {shown(title, 40)} stands twice: change one")
    return cells


def _picked(titles: list[str], columns: Sequence[str]) -> list[str]:
    """Return the titles after checking that each of the columns is one of them, once."""
    for title in columns:
        if title not in titles:
            known = shown([cell for cell in titles if cell], 160)
            raise ValueError(f"its first row has no title {shown(title, 40)}, but {known}")
        if titles.count(title) > 1 or list(columns).count(title) > 1:
            raise ValueError(f"the title {shown(title, 40)} stands twice in it or in columns")
    return titles


def _numbers(line: int, cells: list[str], called: list[str], missing: str) -> list[float]:
    """Return the numbers in a row, none if it is dropped; `called` are the columns' names."""
    others = [k for k, cell in enumerate(cells) if not NUMBER.fullmatch(cell)]
    for k in others:
        if _is_number(cells[k]):
            about = f"is {cut(cells[k], 40)}; allowed are finite numbers"
            raise ValueError(f"line {line}, {called[k]} {about}")
        if not _is_missing(cells[k]):
            about = _dialect(cells[k]) or _no_number(cells[k])
            raise ValueError(f"line {line}, {called[k]} {about}")
    if others and missing != "drop":
        k = others[0]
        raise ValueError(f"line {line}, {called[k]} is {cells[k] or 'empty'}, {DROP}")
    values = [] if others else list(map(float, cells))
    if math.inf in map(abs, values):
        k = list(map(abs, values)).index(math.inf)
        raise ValueError(f"line {line}, {called[k]} is {cut(cells[k], 40)}, too large to be finite")
    return values


def _is_missing(cell: str) -> bool:
    return cell.casefold() in MISSING


def _is_number(cell: str) -> bool:
    """Return whether a cell holds a number, finite or not."""
    return bool(NUMBER.fullmatch(cell)) or cell.lstrip("+-").casefold() in INFINITE


def _no_number(cell: str) -> str:
    return (
        f"has {shown(cell, 40)} where a number should be: write a decimal point, and nothing "
        "between thousands; columns picks the columns of numbers by their titles"
    )


def _dialect(text: str) -> str:
    """Return what shows that a row is written in another dialect, "" if nothing does."""
    if text.lstrip().startswith("#"):
        return "starts with #, but comments are not understood: take it out"
    number = r"[-+.\d]"
    found = re.search(rf"\d *([;\t|]) *{number}", text, re.ASCII)
    if found := found or re.search(r"[^\W\d] *([;\t|]) *[^\W\d]", text):
        name = {";": "semicolons", "\t": "tabs", "|": "bars"}[found[1]]
        points = ", and points in its numbers" if re.search(r"\d,\d", text) else ""
        return f"seems to have {name} between its cells: write commas between them{points}"
    if re.fullmatch(rf"[-+.\deE ]*\d +{number}[-+.\deE ]*", text, re.ASCII):
        return "seems to have spaces between or within its numbers: write commas between them"
    return ""


def _check_first_column(titles: list[str] | None, points: np.ndarray, dropped: int) -> None:
    """Refuse a first column without a title that counts: it is an index, not a coordinate."""
    title = titles[0] if titles else ""
    untitled = not title or title.startswith("Unnamed:")
    enough = points.shape[1] > 1 and len(points) >= (1 if titles else COUNTED)
    if untitled and enough and _counts(points[:, 0], dropped):
        remedy = "give it a title if it is a coordinate"
        if titles:
            remedy = f"pick the others with columns: {shown(titles[1:], 120)}"
        counted = ", ".join(f"{number:.0f}" for number in points[:3, 0])
        raise ValueError(
            f"its first column has no title and counts {counted}, as an index does: leave it "
            f"out (index=False in pandas), or {remedy}"
        )
    if titles and not title:
        raise ValueError("column 1 has no title: give it one")


def _counts(column: np.ndarray, dropped: int) -> bool:
    """Return whether a column counts from 0 or 1, with gaps only for dropped rows."""
    return (
        0 <= column[0] <= 1 + dropped
        and column[-1] - column[0] < len(column) + dropped
        and bool((column == np.rint(column)).all() and (np.diff(column) >= 1).all())
    )


def _check_first_row(file: Path, first: list[str], points: np.ndarray) -> None:
    """Refuse a header of numbers: columns counted from 0, or the only row of whole numbers."""
    if len(points) < 2 or not all(map(WHOLE.fullmatch, first)):
        return
    numbered = len(first) > 1 and first == [str(place) for place in range(len(first))]
    again = (points[1:] == points[0]).all(axis=1).any()
    others = chain.from_iterable(row for _, row in islice(_rows(file), 1, None))
    alone = points[1:].size >= UNLIKE and not any(map(WHOLE.fullmatch, others))
    if (numbered and not again) or alone:
        raise ValueError(
            f"its first row, {cut(', '.join(first), 60)}, may be a header of numbers: leave it "
            "out (header=False in pandas), or put a row of titles above it if it is a point"
        )
