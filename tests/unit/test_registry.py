import numpy as np
import pytest

from autoscore.densities.registry import make_density, read_samples

POINTS = [[1.5, -2.0], [3e-3, 4.0], [5.0, 6.0]]
ROWS = "1.5,-2\n3e-3,4\n5,6\n"


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        "height,width\n" + ROWS,
        '"a b","c"\n' + ROWS,
        "# x y\n" + ROWS,
        ROWS.replace("\n", "\r\n"),
        ROWS.replace(",", " , ").rstrip(),
    ],
)
def test_csv_with_and_without_column_names(text, tmp_path):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8", newline="")
    np.testing.assert_array_equal(read_samples(str(tmp_path / "points.csv")), POINTS)


def test_csv_of_one_column_stays_a_column(tmp_path):
    (tmp_path / "points.csv").write_text("x\n1\n2\n", encoding="utf-8")
    np.testing.assert_array_equal(read_samples(str(tmp_path / "points.csv")), [[1.0], [2.0]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_npy_is_read_as_doubles(dtype, tmp_path):
    points = np.arange(6).reshape(3, 2).astype(dtype)
    np.save(tmp_path / "points.npy", points)
    read = read_samples(str(tmp_path / "points.npy"))
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, points)


def test_a_sample_file_becomes_its_points(tmp_path):
    np.save(tmp_path / "points.npy", np.array(POINTS))
    density = make_density({"kind": "samples", "path": str(tmp_path / "points.npy")})
    assert density.bandwidth == 0
    np.testing.assert_array_equal(density.points, POINTS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\nnan,4\n", "not finite"),
        ("nan,2\n3,4\n", "not finite"),
        ("1,2\n3,inf\n", "not finite"),
        ("1,2\n3\n", "line 2 is a row of 1, not of 2 as those before it"),
        ("1,2\n3,\n", "line 2 has '' where a number should be"),
        ("1;2\n3;4\n", "line 1 has '1;2' where a number should be, with commas"),
        ("a,b\nc,d\n", "line 2 has 'c' where a number should be"),
        ("a,1\n3,4\n", "line 1 has 'a' where a number should be"),
    ],
)
def test_a_bad_csv_is_named_with_its_fault(text, message, tmp_path):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"cannot read samples from .*points\.csv: .*{message}"):
        read_samples(str(tmp_path / "points.csv"))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[0.0], [np.nan]]), "not finite"),
        (np.zeros(3), r"shape \(n, d\), not \(3,\)"),
        (np.zeros((2, 2, 2)), r"not \(2, 2, 2\)"),
        (np.array([["one"]]), "could not convert"),
        (np.array([[None]]), "allow_pickle"),
    ],
)
def test_a_bad_npy_is_named_with_its_fault(array, message, tmp_path):
    np.save(tmp_path / "points.npy", array)
    with pytest.raises(ValueError, match=rf"cannot read samples from .*points\.npy: .*{message}"):
        read_samples(str(tmp_path / "points.npy"))


@pytest.mark.parametrize(
    ("name", "message"), [("none.csv", "No such file"), ("points.txt", "end in .npy or .csv")]
)
def test_a_file_that_cannot_be_read_is_named(name, message):
    with pytest.raises(ValueError, match=f"cannot read samples from {name}: .*{message}"):
        read_samples(name)


def test_an_empty_npy_is_named(tmp_path):
    (tmp_path / "points.npy").touch()
    with pytest.raises(ValueError, match=r"cannot read samples from .*points\.npy"):
        read_samples(str(tmp_path / "points.npy"))


@pytest.mark.filterwarnings("ignore:loadtxt")
@pytest.mark.parametrize("text", ["", "a,b\n"])
def test_a_csv_without_rows_is_named(text, tmp_path):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"cannot read samples from .*points\.csv"):
        read_samples(str(tmp_path / "points.csv"))


def test_a_byte_order_mark_hides_no_point(tmp_path):
    (tmp_path / "points.csv").write_text("1\n2\n3\n", encoding="utf-8-sig")
    assert len(read_samples(str(tmp_path / "points.csv"))) == 3


@pytest.mark.filterwarnings("ignore:Casting complex")
def test_complex_numbers_are_refused(tmp_path):
    np.save(tmp_path / "points.npy", np.full((2, 1), 1j))
    with pytest.raises(ValueError, match=r"cannot read samples from .*points\.npy"):
        read_samples(str(tmp_path / "points.npy"))
