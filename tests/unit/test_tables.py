import csv
import gzip
import os
import string

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autoscore.files import tables
from autoscore.files.tables import read_table

FIXED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example overwrites the file
)
LONGEST = 400  # characters of a message
POINTS = [[1.5, -2.0], [3e-3, 4.0], [5.0, 6.0]]
ROWS = "1.5,-2\n3e-3,4\n5,6\n"
DRAWN = np.random.default_rng(0).normal(size=(40, 2))
NAMED = pd.DataFrame(DRAWN, columns=["a", "b"])
NUMBERED = pd.DataFrame(DRAWN)


def written(tmp_path, content, name="points.csv"):
    """A file with a text, or with bytes."""
    content = content.encode() if isinstance(content, str) else content
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


def refusal(path, **options):
    """What is said of a file: one sentence that begins with its name."""
    with pytest.raises(ValueError, match="cannot read samples from ") as error:
        read_table(path, **options)
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < LONGEST
    return message


# --- what is understood -------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (ROWS, None),
        ("height,width\n" + ROWS, ("height", "width")),
        ('"a b","c,d"\n' + ROWS, ("a b", "c,d")),
        ("a,b\n" + ROWS.replace("\n", "\r\n"), ("a", "b")),
        ("a,b\n" + ROWS.replace("\n", "\r"), ("a", "b")),
        (ROWS.replace(",", " , ").rstrip(), None),
        ("\n  \na , b\n\n" + ROWS + "  \n\n", ("a", "b")),
        ('a,b\n"1.5","-2"\n"3e-3","4"\n5, "6"\n', ("a", "b")),
        ("\ufeffa,b\n" + ROWS, ("a", "b")),
        ("\ufeff" + ROWS, None),
        ("x1,température\n" + ROWS, ("x1", "température")),
    ],
)
def test_rows_with_and_without_titles(text, titles, tmp_path):
    table = read_table(written(tmp_path, text))
    np.testing.assert_array_equal(table.points, POINTS)
    assert (table.titles, table.dropped) == (titles, 0)


def test_one_column_stays_a_column(tmp_path):
    assert read_table(written(tmp_path, "x\n1\n2\n")).points.tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, ">f8", np.uint8])
def test_npy_is_read_as_doubles(dtype, tmp_path):
    points = np.arange(6).reshape(3, 2).astype(dtype)
    np.save(tmp_path / "points.npy", points)
    table = read_table(tmp_path / "points.npy")
    assert table.points.dtype == np.float64
    assert table.titles is None
    np.testing.assert_array_equal(table.points, points)


PENGUINS = (
    "species,bill,mass\nAdelie,39.1,3750\nAdelie,NA,\nGentoo,46.1,NaN\n,nan,1\nGentoo,50,5e3\n"
)


@pytest.mark.parametrize("columns", [["bill", "mass"], ["mass", "bill"]])
def test_columns_are_picked_in_order_and_gaps_dropped(columns, tmp_path):
    table = read_table(written(tmp_path, PENGUINS), columns, "drop")
    expected = {"bill": [39.1, 50.0], "mass": [3750.0, 5000.0]}
    assert table.points.T.tolist() == [expected[name] for name in columns]
    assert (table.titles, table.dropped) == (tuple(columns), 3)


def test_gaps_in_other_columns_drop_nothing(tmp_path):
    table = read_table(written(tmp_path, PENGUINS.replace("NaN", "4")), ["mass"], "drop")
    assert table.points.tolist() == [[3750.0], [4.0], [1.0], [5000.0]]


def test_rows_with_nan_are_dropped_of_an_array(tmp_path):
    np.save(tmp_path / "points.npy", [[1.0, 2.0], [np.nan, 3.0], [4.0, 5.0]])
    table = read_table(tmp_path / "points.npy", missing="drop")
    assert table.points.tolist() == [[1.0, 2.0], [4.0, 5.0]]
    assert table.dropped == 1


@pytest.mark.parametrize(
    "text", [NAMED.to_csv(), "a,a,b\n1,2,3\n4,5,6\n", "b,,a\n1,x,3\n4,y,6\n", "2019,b\n1,2\n3,4\n"]
)
def test_what_columns_are_not_picked_does_not_matter(text, tmp_path):
    assert read_table(written(tmp_path, text), ["b"]).titles == ("b",)


@pytest.mark.parametrize(
    "text",
    [
        "0,1\n1,1\n0,0\n0,1\n",  # a point that comes again is no header
        "3,4\n" + ROWS,  # nor are whole numbers among others, where rows are few
        "3,7\n1,2\n" + NUMBERED.to_csv(header=False, index=False),  # or where more are whole
        "0\n1\n2\n3\n4\n5\n",  # one column that counts is all that there is
        "n,y\n" + "".join(f"{k},{k % 3}\n" for k in range(9)),  # a title makes it a coordinate
        "".join(f"{2 * k},{k % 3}\n" for k in range(9)),
    ],
)
def test_numbers_are_not_taken_for_headers_or_indices_without_reason(text, tmp_path):
    table = read_table(written(tmp_path, text))
    assert len(table.points) == text.count("\n") - (table.titles is not None)


# --- what is refused ----------------------------------------------------------

INDEX = "first column has no title and counts 0, 1, 2, as an index does: leave it out (index=False"
HEADER = "may be a header of numbers: leave it out (header=False in pandas), or put a row of titles"
DIALECTS = {
    "decimal comma": ("x\n1,5\n2,7\n", "line 2 is a row of 2, not of 1", "write decimal points"),
    "decimal commas": ("x,y\n1,5,2,7\n", "row of 4, not of 2", "write decimal points"),
    "some decimal commas": ("x,y\n1,5,2\n", "row of 3, not of 2", "write decimal points"),
    "quoted decimal comma": (
        'x,y\n"1,5",2\n',
        "line 2, column 'x' has '1,5' where",
        "a decimal point",
    ),
    "quoted without titles": ('"1,5","2,7"\n"1,6","2,8"\n', "line 1 has '1,5' where"),
    "thousands": (
        'x,y\n"1,234.5",2\n',
        "line 2, column 'x' has '1,234.5' where",
        "between thousands",
    ),
    "Swiss thousands": ("x,y\n1'234,2\n", "column 'x' has \"1'234\" where", "between thousands"),
    "thousands in the first row": ("1'234,1'100\n3,4\n", 'line 1 has "1\'234" where'),
    "underscores": ("1_0,2\n3,4\n", "line 1 has '1_0' where a number should be"),
    "other digits": ("\uff11,2\n3,4\n", "line 1 has '\uff11' where a number should be"),
    "semicolons": ("x;y\n1;2\n", "seems to have semicolons between its cells: write commas"),
    "semicolons, no titles": ("1;2\n3;4\n", "line 1 seems to have semicolons"),
    "semicolons and commas": ("x;y\n1,5;2,7\n", "semicolons", "and points in its numbers"),
    "semicolons, commas, no titles": ("1,5;2,7\n", "semicolons", "and points in its numbers"),
    "Excel's first line": ("sep=;\n1;2\n", "seems to have semicolons"),
    "tabs": ("x\ty\n1\t2\n", "seems to have tabs between its cells: write commas"),
    "spaces": ("x y\n1 2\n", "seems to have spaces between or within its numbers"),
    "spaces, no titles": ("1 2\n3 4\n", "line 1 seems to have spaces"),
    "bars": ("x|y\n1|2\n", "seems to have bars between its cells"),
    "UTF-16": ("x\n1\n2\n".encode("utf-16"), "encoded in UTF-16: save it as UTF-8"),
    "UTF-16, no mark": ("x\n1\n2\n".encode("utf-16-le"), "or is encoded in UTF-16"),
    "Latin-1": ("a,b\n1,2\nü,3\n".encode("latin-1"), "line 3 is not encoded in UTF-8", "Latin-1"),
    "gzip": (gzip.compress(b"x\n1\n"), "compressed with gzip: unpack it first"),
    "Excel": (b"PK\x03\x04\x14\0\x06\0", "an Excel workbook or another archive: save the table as"),
    "array": (b"\x93NUMPY\x01\0", "it is a .npy file"),
    "comment": ("# x,y\n1,2\n", "line 1 starts with #, but comments are not understood"),
    "later comment": ("x,y\n1,2\n# end\n", "line 3 starts with #, but comments are not"),
    "index": (NAMED.to_csv(), INDEX, "columns: ['a', 'b']"),
    "index, numbered": (NUMBERED.to_csv(), INDEX, "columns: ['0', '1']"),
    "index, saved again": (NAMED.to_csv(index_label="Unnamed: 0"), INDEX, "columns: ['a', 'b']"),
    "index, no titles": (NAMED.to_csv(header=False), INDEX, "or give it a title"),
    "index from 1": (NAMED.set_index(np.arange(1, 41)).to_csv(), "counts 1, 2, 3, as an index"),
    "index with gaps": (NAMED.drop(index=3).to_csv(), "column 1 has no title: give it one"),
    "names of rows": ('a,b\n"1",.5,.6\n', "row of 3, not of 2", "no names of rows"),
    "no title": ("a,,c\n1,2,3\n", "column 2 has no title"),
    "a title twice": ("a,b,a\n1,2,3\n", "the title 'a' stands twice"),
    "numbered columns": (NUMBERED.to_csv(index=False), "its first row, 0, 1, ", HEADER),
    "numbered whole columns": ("0,1,2\n4,5,6\n7,8,9\n", "its first row, 0, 1, 2, ", HEADER),
    "numbered column": (NUMBERED[[0]].to_csv(index=False), "its first row, 0, ", HEADER),
    "years": (NUMBERED.to_csv(index=False, header=["2019", "2020"]), "row, 2019, 2020,", HEADER),
    "comma at the end": ("a,b\n1,2,\n3,4,\n", "row of 3, not of 2", "no comma at the end"),
    "ragged": ("1,2\n3\n", "line 2 is a row of 1, not of 2 as the first"),
    "a line above": ("My data\na,b\n1,2\n", "line 2 is a row of 2, not of 1 as the first"),
    "empty": ("a,b\n1,2\n3,\n", "line 3, column 'b' is empty, a missing value; missing: drop"),
    "empty, no titles": ("1,2\n3,\n", "line 2, column 2 is empty, a missing value; missing: drop"),
    "NA": ("a,b\n\n1,NA\n3,4\n", "line 3, column 'b' is NA, a missing value; missing: drop"),
    "nan": ("nan,2\n3,4\n", "line 1, column 1 is nan, a missing value; missing: drop"),
    "inf": ("a,b\n1,2\n3,-inf\n", "line 3, column 'b' is -inf; allowed are finite numbers"),
    "overflow": ("a,b\n1,2\n3,1e999\n", "line 3, column 'b' is 1e999, too large to be finite"),
    "text": (PENGUINS, "line 2, column 'species' has 'Adelie' where", "columns picks the columns"),
    "text, no titles": ("x,1\ny,2\n", "line 1 has 'x' where a number should be"),
    "later text, no titles": ("1,2\nx,3\ny,4\n", "line 2, column 1 has 'x' where"),
    "text alone": ("a,b\nc,d\n", "line 2, column 'a' has 'c' where a number should be"),
    "typing error": ("a,b\n1,2\n3,4\n5,6o\n", "line 4, column 'b' has '6o' where a number should"),
    "open quotation mark": ('a,b\n1,"2\n3,4\n', "has a quotation mark or a cell without an end"),
    "endless cell": ("1" * 200_000, "line 1 has a quotation mark or a cell without an end"),
    "titles alone": ("a,b\n", "it holds no rows of numbers"),
    "blank lines": ("\n \n", "it holds no rows"),
    "nothing": ("", "it is empty"),
    "one point again": ("a,b\n1,2\n1,2\n", "all of its 2 points are the same"),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_a_csv_that_is_not_understood_is_refused_with_its_fault(name, tmp_path):
    content, *parts = DIALECTS[name]
    message = refusal(written(tmp_path, content))
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("columns", "missing", "part"),
    [
        (["mass", "wing"], "drop", "has no title 'wing', but ['species', 'bill', 'mass']"),
        (["mass", "mass"], "drop", "the title 'mass' stands twice"),
        (["species", "mass"], "drop", "line 2, column 'species' has 'Adelie' where"),
        (["mass"], "refuse", "line 3, column 'mass' is empty, a missing value; missing: drop"),
    ],
)
def test_columns_that_cannot_be_picked(columns, missing, part, tmp_path):
    assert part in refusal(written(tmp_path, PENGUINS), columns=columns, missing=missing)


def test_rows_of_which_none_is_left(tmp_path):
    message = refusal(written(tmp_path, "a,b\n1,\n,2\n"), missing="drop")
    assert "each of its 2 rows lacks a value" in message


def test_inf_is_not_dropped(tmp_path):
    assert "is inf" in refusal(written(tmp_path, "a,b\n1,\n3,inf\n"), missing="drop")


def test_an_index_is_noticed_where_rows_were_dropped(tmp_path):
    text = NAMED.assign(a=NAMED["a"].where(NAMED.index % 5 != 2)).to_csv()
    assert "as an index does" in refusal(written(tmp_path, text), missing="drop")
    assert read_table(written(tmp_path, text), ["a", "b"], "drop").dropped == 8


ARRAYS = {
    "nan": (np.array([[0.0], [np.nan]]), "points[1, 0] is nan, a missing value; missing: drop"),
    "inf": (np.array([[0.0], [np.inf]]), "points[1, 0] is not finite"),
    "vector": (np.zeros(3), "shape (n, d), not (3,)", "save points.reshape(-1, 1)"),
    "cube": (np.zeros((2, 2, 2)), "must have shape (n, d), not (2, 2, 2)"),
    "no rows": (np.zeros((0, 2)), "must have shape (n, d), not (0, 2)"),
    "number": (np.array(1.0), "must have shape (n, d), not ()"),
    "texts": (np.array([["one"]]), "it holds values of type str, not real numbers"),
    "objects": (np.array([[None]]), "it holds Python objects, not real numbers"),
    "dates": (
        np.array([["2020-01-01"]], "M8[D]"),
        "it holds values of type datetime64, not real numbers",
    ),
    "spans": (np.array([[5]], "m8[s]"), "it holds values of type timedelta64, not real numbers"),
    "truth values": (np.ones((2, 1), bool), "it holds values of type bool, not real numbers"),
    "complex": (np.full((2, 1), 1j), "it holds values of type complex128, not real numbers"),
    "fields": (np.zeros(3, [("a", float)]), "it holds values of type void, not real numbers"),
    "the same": (np.full((3, 2), 0.1), "all of its 3 points are the same"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_a_bad_npy_is_refused_with_its_fault(name, tmp_path):
    array, *parts = ARRAYS[name]
    np.save(tmp_path / "points.npy", array)
    message = refusal(tmp_path / "points.npy")
    assert all(part in message for part in parts), message


def test_an_array_has_no_columns_to_pick(tmp_path):
    np.save(tmp_path / "points.npy", POINTS)
    assert "only a .csv file has" in refusal(tmp_path / "points.npy", columns=["a"])


def test_an_archive_and_half_an_array_are_refused(tmp_path):
    np.savez(tmp_path / "points.npz", POINTS)
    (tmp_path / "points.npz").rename(tmp_path / "points.npy")
    assert "it may be a .npz archive" in refusal(tmp_path / "points.npy")
    np.save(tmp_path / "points.npy", POINTS)
    content = (tmp_path / "points.npy").read_bytes()
    assert "it is damaged" in refusal(written(tmp_path, content[:-1], "points.npy"))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("none.csv", "No such file"),
        ("points.txt", "its name must end in .npy or .csv"),
        ("points.csv.gz", "its name must end in .npy or .csv: unpack"),
        ("points.xlsx", "save a workbook as CSV"),
        ("a" * 300 + ".csv", "File name too long"),
        ("a\0.csv", "null"),  # byte, or character since Python 3.13
    ],
)
def test_a_name_that_no_table_has(name, part):
    assert part in refusal(name)


@pytest.mark.parametrize("kind", [".csv", ".npy"])
def test_what_may_have_no_end_is_not_opened(kind, tmp_path, monkeypatch):
    folder, pipe, device = (tmp_path / f"{name}{kind}" for name in ("folder", "pipe", "device"))
    folder.mkdir()
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (folder, pipe, device):  # opening the pipe would wait for somebody to write to it
        assert "not a regular file" in refusal(path)
    monkeypatch.setattr(tables, "LARGEST", 100)
    assert "GB; allowed are " in refusal(written(tmp_path, "1\n2\n" * 30, f"large{kind}"))


# --- any file -----------------------------------------------------------------


def answered(path, **options):
    """Read a file that may be anything: a table of finite numbers, or one sentence."""
    try:
        table = read_table(path, **options)
    except ValueError:
        refusal(path, **options)
    else:
        assert np.isfinite(table.points).all()
        assert table.points.ndim == 2
        assert table.titles is None or len(table.titles) == table.points.shape[1]


CELLS = st.one_of(
    st.floats().map(repr),
    st.integers(-5, 10**20).map(str),
    st.sampled_from(["", "NA", "nan", "inf", "x", '"1"', '"', "1;2", "1,5", "#", "\t", "é", "1_0"]),
    st.text(max_size=5),
)
TEXTS = st.lists(st.lists(CELLS, max_size=4).map(",".join), max_size=5).map("\n".join)


@FIXED
@given(
    content=st.binary(max_size=60) | TEXTS.map(str.encode),
    columns=st.none() | st.lists(st.sampled_from(["x", "", "NA", "0", "1"]), max_size=2),
    missing=st.sampled_from(["refuse", "drop"]),
)
def test_any_csv_is_a_table_or_a_sentence(content, columns, missing, tmp_path):
    answered(written(tmp_path, content), columns=columns, missing=missing)


@FIXED
@given(header=st.binary(max_size=60) | st.text(string.printable, max_size=60).map(str.encode))
def test_any_npy_is_a_table_or_a_sentence(header, tmp_path):
    start = b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little")
    for content in (header, start + header + bytes(16)):
        answered(written(tmp_path, content, "points.npy"))


@FIXED
@given(
    dtype=st.sampled_from(["f8", "<f4", "i8", "u1", "?", "M8[s]", "O", "U3", "c16", "V4", "zz"]),
    shape=st.lists(st.integers(-1, 2**40), max_size=3),
)
def test_any_header_of_an_array_is_answered(dtype, shape, tmp_path):
    header = repr({"descr": dtype, "fortran_order": False, "shape": tuple(shape)}).encode()
    start = b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little")
    answered(written(tmp_path, start + header + bytes(64), "points.npy"))


FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = arrays(float, st.tuples(st.integers(2, 6), st.integers(1, 4)), elements=FINITE)


@FIXED
@given(points=NUMBERS, titled=st.booleans(), quoting=st.sampled_from([0, csv.QUOTE_ALL]))
def test_what_was_written_is_read(points, titled, quoting, tmp_path):
    titles = tuple(f"x{k}" for k in range(points.shape[1])) if titled else None
    with (tmp_path / "points.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=quoting)
        writer.writerows([titles, *points.tolist()] if titles else points.tolist())
    if (points == points[0]).all():
        assert "are the same" in refusal(tmp_path / "points.csv")
        return
    table = read_table(tmp_path / "points.csv")
    np.testing.assert_array_equal(table.points, points)
    assert table.titles == titles


@FIXED
@given(points=NUMBERS.filter(lambda points: not (points == points[0]).all()))
def test_what_numpy_wrote_is_read(points, tmp_path):
    np.savetxt(tmp_path / "points.csv", points, delimiter=",")
    np.save(tmp_path / "points.npy", points)
    for kind in (".csv", ".npy"):
        np.testing.assert_array_equal(read_table(tmp_path / f"points{kind}").points, points)
