import errno
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import SafetensorError
from safetensors.numpy import save

from autoscore.files.storage import (
    DamagedFileError,
    read_arrays,
    read_tables,
    reading,
    write_arrays,
    write_atomically,
    write_table,
)
from autoscore.models.registry import load_stack
from autoscore.models.separate.network import Separate


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


def test_two_who_write_the_same_file_at_once_do_not_mix(tmp_path):
    path = tmp_path / "file.txt"

    def write(temporary):
        temporary.write_text("the longer one", encoding="utf-8")
        write_atomically(path, lambda other: other.write_text("short", encoding="utf-8"))
        assert path.read_text(encoding="utf-8") == "short"

    write_atomically(path, write)
    assert path.read_text(encoding="utf-8") == "the longer one"
    assert list(tmp_path.iterdir()) == [path]


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
    parts = (values[:0], values[:20], values[:0], values[20:])
    tables = [pd.DataFrame({"v": part, "name": "a"}) for part in parts]
    paths = [tmp_path / f"{k}.csv" for k in range(4)]
    for path, table in zip(paths, tables, strict=True):
        write_table(path, table)
    read = read_tables(paths)
    assert list(read.columns) == ["v", "name"]
    assert list(read.index) == list(range(50))
    np.testing.assert_allclose(read["v"], values, rtol=4e-16)
    assert read["v"].dtype == float
    assert list(read_tables(paths[:1]).columns) == ["v", "name"]
    assert list(read_tables([], ["v", "name"]).columns) == ["v", "name"]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs a disk that is full")
def test_a_disk_without_room_is_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr("autoscore.files.storage.token_hex", lambda size: "own")
    (tmp_path / ".table.partial-own.csv").symlink_to("/dev/full")
    reason = f"No space left on device; make room on the disk and run again: '{tmp_path}/table.csv'"
    with pytest.raises(OSError, match=re.escape(reason)):
        write_table(tmp_path / "table.csv", pd.DataFrame({"v": [1.0]}))
    assert not list(tmp_path.iterdir())


def flipped(whole, place, rng):
    """Return a content with some bits of one byte the other way round."""
    return whole[:place] + bytes([whole[place] ^ rng.integers(1, 256)]) + whole[place + 1 :]


def npz(tmp_path):
    write_arrays(tmp_path / "sound.npz", {"x": np.arange(50.0)})
    return (tmp_path / "sound.npz").read_bytes()


DAMAGES = {
    "cut": lambda whole: whole[: len(whole) // 2],
    "empty": lambda whole: b"",
    "one bit": lambda whole: whole[:200] + bytes([whole[200] ^ 1]) + whole[201:],
    "another format": lambda whole: b"a,b\n1,2\n",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_arrays_are_named_with_the_remedy(damage, tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(DAMAGES[damage](npz(tmp_path)))
    with pytest.raises(DamagedFileError, match=f"^{re.escape(str(path))} .*delete it and run"):
        read_arrays(path)


WEIGHTS = {"w": np.zeros((2, 3), dtype=np.float32)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        save(WEIGHTS, {"description": '{"sigmas": [0.1]}'})[:-4],
        save(WEIGHTS, {"description": '{"layers": [0.1]}'}),
        save(WEIGHTS, {"description": '{"sigmas": [0.1], "of_an_earlier_version": 1}'}),
        save(WEIGHTS),
    ],
    ids=["empty", "cut", "unknown kind", "other settings", "no description"],
)
def test_weights_that_are_none_are_named_with_the_remedy(content, tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=f"^{re.escape(str(path))} .*delete it and run"):
        load_stack(path)


def test_no_flipped_byte_in_arrays_is_read_without_a_word(tmp_path):
    whole, path = npz(tmp_path), tmp_path / "a.npz"
    sound = read_arrays(tmp_path / "sound.npz")
    rng, noticed = np.random.default_rng(0), set()
    for place in range(len(whole)):
        path.write_bytes(flipped(whole, place, rng))
        try:
            read = read_arrays(path)
        except DamagedFileError:
            noticed.add(place)
        else:  # a time, or a permission: nothing that is read
            assert read.keys() == sound.keys()
            np.testing.assert_array_equal(read["x"], sound["x"])
    first = whole.index(b"\x93NUMPY")
    assert noticed > set(range(first, first + 128 + 400))  # type, shape and fifty numbers


def test_no_flipped_byte_in_weights_is_read_without_a_word(tmp_path):
    sound, path = tmp_path / "sound.safetensors", tmp_path / "a.safetensors"
    stack = Separate(1, {"hidden": (3,)}, [0.1], [0], [9], [[0.5]], [2.0])
    stack.theta = torch.arange(10, dtype=torch.float32)[None]
    stack.save(sound)
    whole, rng = sound.read_bytes(), np.random.default_rng(0)
    assert torch.equal(load_stack(sound).theta, stack.theta)
    for place in range(len(whole)):
        path.write_bytes(flipped(whole, place, rng))
        with pytest.raises(DamagedFileError):
            load_stack(path)


READERS = {"a.npz": read_arrays, "a.safetensors": load_stack}


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_not_there_is_not_called_damaged(name, tmp_path):
    with pytest.raises(FileNotFoundError):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("name", READERS)
def test_a_file_is_not_called_damaged_where_none_may_be_opened(name, tmp_path):
    resource = pytest.importorskip("resource")
    (tmp_path / name).write_bytes(save(WEIGHTS))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, most[1]))
        with pytest.raises(OSError, match="Too many open files") as raised:
            READERS[name](tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    assert raised.value.errno == errno.EMFILE


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("3 GiB"),
        OSError(errno.EIO, "disk"),
        FileNotFoundError("No such file or directory: a.safetensors"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 bytes"),
        SafetensorError("I/O error: Cannot allocate memory (os error 12)"),
    ],
    ids=["memory", "disk", "gone meanwhile", "PyTorch's memory", "the card's", "safetensors'"],
)
def test_what_the_system_refuses_is_no_damage(error, tmp_path):
    (tmp_path / "a.npz").touch()
    with pytest.raises(type(error)) as raised, reading(tmp_path / "a.npz"):
        raise error
    assert raised.value is error
