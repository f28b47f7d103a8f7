"""Tables of numbers in .csv and .npy files: understood, or refused in a sentence.

A file that parses is not a file that was understood: ``1,5`` may be two numbers or one with a
decimal comma, a first line of numbers a point or a header, a column that counts an index. What can
be read in two ways is refused, and the message says how to write it in one.
"""

import csv
import re
import stat
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
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
PLAIN = re.compile(r"[-+.,eE\d ]*", re.ASCII)  # what rows of numbers consist of
BATCH = 1000  # rows that are looked at together
COUNTED = 5  # rows in which a column without a title has to count before it is called an index
UNLIKE = 30  # numbers that are not whole before a first row of whole ones is called a header
OTHERS = {  # how files of other kinds begin
    b"\x1f\x8b": "it is compressed with gzip: unpack it first",
    b"PK\x03\x04": "it is an Excel workbook or another archive: save the table as CSV",
    b"\xd0\xcf\x11\xe0": "it is an Excel workbook: save the table as CSV",
    b"\x93NUMPY": "it is a .npy file: its name must say so",
    b"\xff\xfe": "it is encoded in UTF-16: save it as UTF-8",
    b"\xfe\xff": "it is encoded in UTF-16: save it as UTF-8",
}
ENDINGS = {
    ".gz": "; unpack it first",
    ".npz": "; save one array with np.save",
    ".xls": "; save the table as CSV",
    ".xlsx": "; save the table as CSV",
}
DTYPES = {
    "b": "truth values",
    "c": "complex numbers",
    "M": "dates",
    "m": "time spans",
    "O": "Python objects",
    "S": "bytes",
    "U": "texts",
    "V": "named fields",
}


@dataclass(frozen=True)
class Table:
    """Points, and what their coordinates are called.

    Attributes
    ----------
    points : ndarray
        Of shape ``(n, d)``, in double precision, all finite.
    titles : tuple of str or None
        One for each coordinate; None where the file has none.
    dropped : int
        Rows that were left out because a value is missing.
    """

    points: np.ndarray
    titles: tuple[str, ...] | None
    dropped: int = 0


def read_table(
    path: str | Path, columns: Sequence[str] | None = None, missing: str = "refuse"
) -> Table:
    """Read a table of numbers from a .csv or .npy file.

    A .csv file is UTF-8, has commas between its cells, a row a line and decimal points, and may
    start with one line of titles.

    Parameters
    ----------
    path
        The file.
    columns
        Titles of the columns that are read, in this order; None for all. The others may hold text.
    missing
        What is done with a row in which a value is missing, that is empty, NA, NaN or null:
        ``"refuse"`` the file, or ``"drop"`` the row.

    Raises
    ------
    ValueError
        If the file is no table of finite numbers, or may be read in two ways. The message is one
        sentence that names the file, the place and the remedy.

    Examples
    --------
    >>> read_table("penguins.csv", ["bill_length_mm", "body_mass_g"], "drop").titles
    ('bill_length_mm', 'body_mass_g')
    """
    file = Path(path)
    try:
        kind = file.suffix.lower()
        if kind not in (".csv", ".npy"):
            raise ValueError(f"its name must end in .npy or .csv{ENDINGS.get(kind, '')}")
        _check_file(file)
        table = (_read_npy if kind == ".npy" else _read_csv)(file, columns, missing)
        if len(table.points) > 1 and (table.points == table.points[0]).all():
            raise ValueError(f"all of its {len(table.points)} points are the same")
    except FileNotFoundError:
        reason = (
            "No such file; a path begins in the folder of the run, here "
            f"{cut(str(Path.cwd()), 100)}, or at the root"
        )
        raise ValueError(_message(path, reason)) from None
    except OSError as error:
        raise ValueError(_message(path, error.strerror or str(error))) from None
    except ValueError as error:
        raise ValueError(_message(path, str(error))) from None
    return table


def _message(path: str | Path, reason: str) -> str:
    name = str(path) if str(path).isprintable() else repr(str(path))
    return f"cannot read samples from {cut(name, 100)}: {reason}"


def _check_file(file: Path) -> None:
    """Refuse what may not end, or not fit into memory, before it is opened."""
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
        raise ValueError(f"it is {kind}, not a regular file")
    if found.st_size > LARGEST:
        raise ValueError(
            f"it has {found.st_size / 1e9:.1f} GB; allowed are {LARGEST / 1e9:g}: take fewer points"
        )
    if not found.st_size:
        raise ValueError("it is empty")


# --- .npy ---------------------------------------------------------------------


def _read_npy(file: Path, columns: Sequence[str] | None, missing: str) -> Table:
    if columns is not None:
        raise ValueError("it has no titles, by which columns are picked: only a .csv file has")
    stored = _stored_array(file)
    if stored.dtype.kind not in "fiu":
        raise ValueError(f"it holds {DTYPES.get(stored.dtype.kind)}, not real numbers")
    if stored.ndim == 1 and stored.size:
        raise ValueError(
            f"it has shape {stored.shape}, not (n, d): for points on a line, save "
            "points.reshape(-1, 1)"
        )
    if stored.ndim != 2 or 0 in stored.shape:
        raise ValueError(f"it must have shape (n, d), not {shown(stored.shape, 60)}")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
        points = np.array(stored, dtype=float)
    if np.isinf(points).any():
        row, column = np.argwhere(np.isinf(points))[0]
        raise ValueError(f"points[{row}, {column}] is not finite")
    absent = np.isnan(points).any(axis=1)
    if absent.any() and missing != "drop":
        row, column = np.argwhere(np.isnan(points))[0]
        raise ValueError(
            f"points[{row}, {column}] is nan, a missing value; missing: drop leaves out such rows"
        )
    if absent.all():
        raise ValueError(f"each of its {len(points)} rows lacks a value")
    return Table(points[~absent], None, int(absent.sum()))


def _stored_array(file: Path) -> np.ndarray:
    """Return the array as it is stored, mapped rather than read."""
    with file.open("rb") as stream:
        start = stream.read(6)
    if start != b"\x93NUMPY":
        hint = "; it may be a .npz archive" if start.startswith(b"PK") else ""
        raise ValueError(f"it is no .npy file as np.save writes it{hint}")
    try:
        with np.errstate(over="ignore"):  # of a shape that is too large, which then is an error
            stored = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header is evaluated, and may raise anything
        if "Python objects" in str(error):
            raise ValueError("it holds Python objects, not real numbers") from None
        raise ValueError(f"it is damaged ({cut(' '.join(str(error).split()), 120)})") from None
    if 8 * stored.size > LARGEST:
        raise ValueError(f"it holds {stored.size} numbers; allowed are {LARGEST // 8}")
    return stored


# --- .csv ---------------------------------------------------------------------


def _read_csv(file: Path, columns: Sequence[str] | None, missing: str) -> Table:
    _refuse_other_kinds(file)
    rows = _rows(file)
    line, first = next(rows, (0, []))
    if not first:
        raise ValueError("it holds no rows")
    titles = _titles(line, first, columns)
    if titles and columns is None:
        _check_titles(titles)
    sheet = _Sheet(file, first, titles, columns)
    values, dropped = array("d"), 0
    body = rows if titles else chain([(line, first)], rows)
    while batch := list(islice(body, BATCH)):
        numbers = sheet.plain_numbers([row for _, row in batch])
        if numbers is None:
            kept = [sheet.numbers(*row, missing) for row in batch]
            dropped += kept.count(None)
            numbers = [number for row in kept if row is not None for number in row]
        values.extend(numbers)
    if not values:
        lacking = f"each of its {dropped} rows lacks a value"
        raise ValueError(lacking if dropped else "it holds no rows of numbers")
    points = np.array(values).reshape(-1, len(sheet.kept))
    if not np.isfinite(points).all():
        raise ValueError(sheet.about_overflow())
    if columns is None:
        sheet.check_first_column(points, dropped)
    if titles is None:
        sheet.check_first_row(points)
    named = tuple(titles[column] for column in sheet.kept) if titles else None
    return Table(points, named, dropped)


def _refuse_other_kinds(file: Path) -> None:
    with file.open("rb") as stream:
        start = stream.read(4096)
    for magic, sentence in OTHERS.items():
        if start.startswith(magic):
            raise ValueError(sentence)
    if b"\0" in start:
        raise ValueError("it holds zero bytes: it is no text, or is encoded in UTF-16")


def _rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, and the line on which it ends."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        lines = ("\n" if line.isspace() else line for line in text)
        reader = csv.reader(lines, skipinitialspace=True, strict=True)
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except UnicodeDecodeError:
            raise ValueError(
                f"line {_line_of_bytes(file)} is not encoded in UTF-8, but perhaps in Latin-1: "
                "save it as UTF-8"
            ) from None
        except csv.Error as error:
            raise ValueError(
                f"line {reader.line_num} has a quotation mark or a cell without an end ({error})"
            ) from None


def _line_of_bytes(file: Path) -> int:
    """Return the first line that is not encoded in UTF-8."""
    number = 0
    with file.open("rb") as stream, suppress(UnicodeDecodeError):
        for line in stream:
            number += 1
            line.decode()
    return number


def _titles(line: int, first: list[str], columns: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return what the first row says that the columns are called, None if it is a point."""
    cells = [cell.strip() for cell in first]
    if columns is not None:
        return _picked_titles(cells, columns)
    texts = [cell for cell in cells if not _is_number(cell) and not _is_missing(cell)]
    numbers = [cell for cell in cells if _is_number(cell)]
    if not texts:
        # as pandas writes an index beside columns that are numbered
        counted = len(cells) > 1 and not cells[0] and all(map(WHOLE.fullmatch, cells[1:]))
        return tuple(cells) if counted else None
    # digits without a letter are a number in another dialect rather than a title
    odd = [cell for cell in texts if re.search(r"\d", cell) and not re.search(r"[^\W\d_]", cell)]
    suspect = odd or numbers or cells[0].startswith("#")
    if suspect and (dialect := _dialect(",".join(first)) or _dialect(texts[0])):
        raise ValueError(f"line {line} {dialect}")
    if odd:
        raise ValueError(_about_number(line, odd[0]))
    if numbers:
        raise ValueError(
            f"line {line} has {shown(texts[0], 40)} where a number should be; beside numbers, only "
            "columns picks titles"
        )
    return tuple(cells)


def _check_titles(titles: tuple[str, ...]) -> None:
    """Refuse titles that stand twice or are empty; the first is looked at with its column."""
    for place, title in enumerate(titles):
        if place and not title:
            raise ValueError(f"column {place + 1} has no title: give it one, or take it away")
        if title in titles[:place]:
            raise ValueError(f"the title {shown(title, 40)} stands twice: change one")


def _picked_titles(cells: list[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Return all titles of a file of which some are picked, once it is clear which."""
    for title in columns:
        if title not in cells:
            known = shown([cell for cell in cells if cell], 160)
            raise ValueError(f"its first row has no title {shown(title, 40)}, but {known}")
        if cells.count(title) > 1 or list(columns).count(title) > 1:
            raise ValueError(f"the title {shown(title, 40)} stands twice in it or in columns")
    return tuple(cells)


def _is_missing(cell: str) -> bool:
    return cell.casefold() in MISSING


def _is_number(cell: str) -> bool:
    """Return whether a cell is a number; one that is infinite is, too."""
    return bool(NUMBER.fullmatch(cell)) or cell.lstrip("+-").casefold() in INFINITE


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


def _about_number(line: int, cell: str) -> str:
    """Return what is wrong with a cell that may be a number elsewhere."""
    return (
        f"line {line} has {shown(cell, 40)} where a number should be: write a decimal point, and "
        "nothing between thousands"
    )


class _Sheet:
    """A .csv file whose first row is known, and what is to be said about its other rows."""

    def __init__(
        self,
        file: Path,
        first: list[str],
        titles: tuple[str, ...] | None,
        columns: Sequence[str] | None,
    ) -> None:
        self._file, self._first, self._titles = file, first, titles
        self._picked = columns is not None
        self.kept = [titles.index(name) for name in columns] if columns else range(len(first))

    def plain_numbers(self, rows: list[list[str]]) -> list[float] | None:
        """Return what rows of numbers hold, None if they have to be looked at one by one."""
        if any(len(row) != len(self._first) for row in rows):
            return None
        if self._picked:
            cells = [row[column] for row in rows for column in self.kept]
        else:
            cells = list(chain.from_iterable(rows))
        if PLAIN.fullmatch(",".join(cells)):
            with suppress(ValueError):
                return list(map(float, cells))
        return None

    def numbers(self, line: int, row: list[str], missing: str) -> list[float] | None:
        """Return the numbers of a row, None if it is dropped."""
        if len(row) != len(self._first):
            raise ValueError(f"line {line} {self._about_width(row)}")
        cells = [row[column].strip() for column in self.kept]
        for column, cell in zip(self.kept, cells, strict=True):
            if not NUMBER.fullmatch(cell) and not _is_missing(cell):
                raise ValueError(self._about_cell(line, column, cell))
        absent = [place for place, cell in enumerate(cells) if _is_missing(cell)]
        if absent and missing != "drop":
            column, cell = self.kept[absent[0]], cells[absent[0]]
            raise ValueError(
                f"{self._place(line, column)} is {cell or 'empty'}, a missing value; missing: drop "
                "leaves out such rows"
            )
        return None if absent else [float(cell) for cell in cells]

    def about_overflow(self) -> str:
        """Return which number is beyond double precision."""
        for line, column, cell in self._cells():
            if NUMBER.fullmatch(cell) and np.isinf(float(cell)):
                return f"{self._place(line, column)} is {cut(cell, 40)}, too large to be finite"
        return "it holds values that are not finite"

    def check_first_column(self, points: np.ndarray, dropped: int) -> None:
        """Refuse a first column without a title that counts: it is an index, not a coordinate."""
        title = self._titles[0] if self._titles else ""
        untitled = not title or title.startswith("Unnamed:")
        needed = 1 if self._titles else COUNTED
        if untitled and points.shape[1] > 1 and len(points) >= needed and _counts(points, dropped):
            remedy = "leave it out (index=False in pandas)"
            if self._titles:
                remedy += f", or pick the others with columns: {shown(list(self._titles[1:]), 120)}"
            else:
                remedy += ", or give it a title if it is a coordinate"
            counted = ", ".join(f"{number:.0f}" for number in points[:3, 0])
            raise ValueError(
                f"its first column has no title and counts {counted}, as an index does: {remedy}"
            )
        if self._titles and not title:
            raise ValueError("column 1 has no title: give it one")

    def check_first_row(self, points: np.ndarray) -> None:
        """Refuse a first row of numbers that is rather a header than a point.

        It is where it numbers the columns from 0 and does not come again, or where it alone is
        written as whole numbers.
        """
        cells = [cell.strip() for cell in self._first]
        if len(points) < 2 or not all(map(WHOLE.fullmatch, cells)):
            return
        numbered = len(cells) > 1 and cells == [str(place) for place in range(len(cells))]
        again = (points[1:] == points[0]).all(axis=1).any()
        others = (cell for _, _, cell in islice(self._cells(), len(cells), None))
        alone = points[1:].size >= UNLIKE and not any(map(WHOLE.fullmatch, others))
        if (numbered and not again) or alone:
            raise ValueError(
                f"its first row, {cut(', '.join(cells), 60)}, may be a header of numbers: leave it "
                "out (header=False in pandas), or put a row of titles above it if it is a point"
            )

    def _cells(self) -> Iterator[tuple[int, int, str]]:
        """Yield line, column and content of all cells below the titles that are read."""
        rows = _rows(self._file)
        for line, row in islice(rows, 1 if self._titles else 0, None):
            if len(row) == len(self._first):
                for column in self.kept:
                    yield line, column, row[column].strip()

    def _about_width(self, row: list[str]) -> str:
        """Return what is wrong with a row that is wider or narrower than the first one."""
        count, width = len(row), len(self._first)
        if dialect := _dialect(",".join(row)):
            return dialect
        if self._titles is None:
            return f"is a row of {count}, not of {width} as those before it"
        hint = ""
        if count > width and all(WHOLE.fullmatch(cell.strip()) for cell in row):
            hint = "; its numbers seem to have decimal commas: write points"
        elif count == width + 1 and not row[-1].strip():
            hint = "; it ends with a comma: take that away"
        elif count == width + 1 and all(_is_number(cell.strip()) for cell in row[1:]):
            hint = "; the first may be the row's name: leave it out (row.names = FALSE in R)"
        return f"is a row of {count} under {width} title{'s' * (width > 1)}{hint}"

    def _about_cell(self, line: int, column: int, cell: str) -> str:
        """Return what is wrong with a cell that is no number."""
        place = self._place(line, column)
        if _is_number(cell):
            return f"{place} is {cut(cell, 40)}; allowed are finite numbers"
        if dialect := _dialect(cell):
            return f"line {line} {dialect}"
        if re.fullmatch(r"[-+]?\d+([,.'’]\d+)+", cell):
            return _about_number(line, cell)
        numeric = self._numeric_columns()
        if (numeric or self._picked) and column not in numeric:
            return f"{place} is in a column of text, {shown(cell, 40)}{self._remedy(numeric)}"
        return f"{place} has {shown(cell, 40)} where a number should be"

    def _remedy(self, numeric: list[int]) -> str:
        """Return what to do about a column of text."""
        if self._picked:
            return ": take it out of columns"
        if self._titles:
            titles = [self._titles[column] for column in numeric if self._titles[column]]
            return f"; pick those of numbers with columns: {shown(titles, 150)}"
        return ": leave that out, or give titles and pick columns by these"

    def _numeric_columns(self) -> list[int]:
        """Return which of the columns that are read are numbers for the most part."""
        balance = dict.fromkeys(self.kept, 0)
        for _, column, cell in self._cells():
            if not _is_missing(cell):
                balance[column] += 1 if _is_number(cell) else -1
        return [column for column, excess in balance.items() if excess > 0]

    def _place(self, line: int, column: int) -> str:
        title = self._titles[column] if self._titles else ""
        return f"line {line}, column {shown(title, 40) if title else column + 1}"


def _counts(points: np.ndarray, dropped: int) -> bool:
    """Return whether a first column counts on from 0 or 1, but for rows that were dropped."""
    column = points[:, 0]
    return (
        0 <= column[0] <= 1 + dropped
        and column[-1] - column[0] < len(column) + dropped
        and bool((column == np.rint(column)).all() and (np.diff(column) >= 1).all())
    )
