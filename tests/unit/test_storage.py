import numpy as np
import pandas as pd
import pytest

from autoscore.storage import read_arrays, read_tables, write_arrays, write_atomically, write_table


def test_missing_folders_are_made_and_permissions_are_the_usual_ones(tmp_path):
    path = tmp_path / "new" / "folder" / "file.txt"
    write_atomically(path, lambda temporary: temporary.write_text("done", encoding="utf-8"))
    assert path.read_text(encoding="utf-8") == "done"
    plain = tmp_path / "plain.txt"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode
    assert list(path.parent.iterdir()) == [path]


def test_the_temporary_file_lies_beside_with_the_same_suffix(tmp_path):
    seen = []

    def write(temporary):
        seen.append(temporary)
        temporary.touch()

    write_atomically(tmp_path / "file.npz", write)
    assert seen[0].parent == tmp_path
    assert seen[0].suffix == ".npz"
    assert seen[0].name.startswith(".")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(error, tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old", encoding="utf-8")

    def write(temporary):
        temporary.write_text("half of the n", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
        raise error

    with pytest.raises(error):
        write_atomically(path, write)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_no_new_file(tmp_path):
    with pytest.raises(ZeroDivisionError):
        write_atomically(tmp_path / "file.txt", lambda temporary: 1 / 0)
    assert not list(tmp_path.iterdir())


def test_arrays_come_back_bit_by_bit(tmp_path):
    arrays = {"x": np.random.default_rng(0).standard_normal((3, 2)), "n": np.array([1, 2])}
    write_arrays(tmp_path / "a.npz", arrays)
    read = read_arrays(tmp_path / "a.npz")
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_objects_are_neither_written_nor_read(tmp_path):
    pickled = np.array([{}], dtype=object)
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays(tmp_path / "a.npz", {"x": pickled})
    assert not list(tmp_path.iterdir())
    np.savez(tmp_path / "b.npz", x=pickled)
    with pytest.raises(ValueError, match="allow_pickle"):
        read_arrays(tmp_path / "b.npz")


def test_tables_keep_every_digit_and_are_put_below_one_another(tmp_path):
    values = np.random.default_rng(1).standard_normal(50) * 10.0 ** np.arange(-25, 25)
    tables = [pd.DataFrame({"v": part, "name": "a"}) for part in (values[:20], values[20:])]
    paths = [tmp_path / f"{k}.csv" for k in range(2)]
    for path, table in zip(paths, tables, strict=True):
        write_table(path, table)
    read = read_tables(paths)
    assert list(read.columns) == ["v", "name"]
    assert list(read.index) == list(range(50))
    np.testing.assert_allclose(read["v"], values, rtol=4e-16)
