import gzip
import os
import re
import socket
import time
from hashlib import sha256
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from autoscore.images import download, sources
from autoscore.images.data import intensities
from autoscore.images.download import (
    Downloader,
    DownloadError,
    check_address,
    check_redirect,
    fetch,
)
from autoscore.images.sources import (
    VARIABLE,
    MissingImagesError,
    WrongContentError,
    acquire,
    read_idx,
    scikit_digits,
)
from tests.unit.mnist_server import body, hang, idx, mirror, stand_in, status, trickle, write

CONTENT = stand_in()
IMAGES, LABELS, TEST_IMAGES, _ = CONTENT
PARTS = dict(zip(("train", "train_labels", "held_out", "held_out_labels"), CONTENT, strict=True))
GOOD = CONTENT[IMAGES]
DIGEST = sha256(GOOD).hexdigest()
GIVEN = os.environ.get(VARIABLE)


@pytest.fixture
def server():
    with mirror(CONTENT) as server:
        yield server


other = server


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """Return the pauses before retries, which are left out; expect small files, without proxies."""
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(sources, "MNIST", {k: sha256(v).hexdigest() for k, v in CONTENT.items()})
    monkeypatch.setattr(sources, "LARGEST", len(GOOD))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv(VARIABLE, raising=False)
    return pauses


def get(cache, *servers, report=lambda line: None, **settings):
    mirrors = [server if isinstance(server, str) else server.url for server in servers]
    defaults = {"dataset": "auto", "path": None, "mirrors": mirrors, "timeout": 2.0, "retries": 0}
    return acquire(defaults | settings, cache, report)


def check(arrays):
    """Compare arrays with the files' bytes, past their headers."""
    for part, name in PARTS.items():
        later = part.replace("train", "validation")
        found = [arrays[key].ravel() for key in dict.fromkeys((part, later))]
        expected = np.frombuffer(CONTENT[name], np.uint8)[4 + 4 * CONTENT[name][3] :]
        np.testing.assert_array_equal(np.concatenate(found), expected)
    np.testing.assert_array_equal(arrays["shape"], np.frombuffer(CONTENT[IMAGES], ">u4", 2, 8))


# --- the format --------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0,), (5,), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, lambda content: gzip.compress(content[:9]) + gzip.compress(content[9:])],
    ids=["unpacked", "packed", "packed in two parts"],
)
def test_idx_arrays_come_back(shape, pack, monkeypatch):
    array = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    monkeypatch.setitem(sources.MNIST, "a", sha256(idx(array)).hexdigest())
    np.testing.assert_array_equal(read_idx(pack(idx(array)), "here", "a"), array)


def test_no_more_is_unpacked_than_allowed(monkeypatch):
    monkeypatch.setattr(sources, "LARGEST", 1000)
    with pytest.raises(WrongContentError, match=r"of 1001 bytes or more, which begin with b'\\x00"):
        read_idx(gzip.compress(bytes(5_000_000)), "bomb", IMAGES)


def altered(data, at):
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data)


MISMATCH = f"expected SHA-256 {DIGEST} of the unpacked file, found [0-9a-f]{{64}} of "
WRONG = {
    "truncated": (GOOD[:-5], f"{MISMATCH}{len(GOOD) - 5} bytes, which begin with b'"),
    "truncated .gz": (
        gzip.compress(GOOD)[:-5000],
        r"expected a whole \.gz file, found a damaged one .*ended before",
    ),
    "altered .gz": (
        altered(gzip.compress(GOOD), -8),  # the first byte of the checksum
        r"expected a whole \.gz file, found a damaged one .CRC check failed",
    ),
    "empty": (b"", f"{MISMATCH}0 bytes, which begin with b''"),
    "a page": (b"<!DOCTYPE html><html>sorry</html>", "33 bytes, .* b'<!DOCTYPE html>"),
    "one byte altered": (altered(GOOD, -1), f"{MISMATCH}{len(GOOD)} bytes,"),
    "other images": (CONTENT[TEST_IMAGES], f"{MISMATCH}{len(CONTENT[TEST_IMAGES])} bytes,"),
    "a bomb": (gzip.compress(GOOD + bytes(3_000_000)), f"{MISMATCH}{len(GOOD) + 1} bytes or more"),
}


@pytest.fixture(params=WRONG.values(), ids=WRONG.keys())
def wrong(request):
    return request.param


# --- a folder ----------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_is_read(packed, tmp_path, monkeypatch):
    write(tmp_path, CONTENT, packed=packed)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    data = get(tmp_path / "cache")
    check(data.arrays)
    assert data.provenance["source"] == f"a folder named {tmp_path.name}"
    assert data.provenance["reason"] == "MNIST_DIR is set"
    assert not (tmp_path / "cache").exists()
    monkeypatch.setenv(VARIABLE, "no/where")
    data = get(tmp_path / "cache", path=str(tmp_path))
    assert data.provenance["reason"] == "images.path is set"


@pytest.mark.skipif(not GIVEN, reason=f"{VARIABLE} is not set")
def test_the_given_folder_is_mnist(tmp_path, monkeypatch):
    monkeypatch.undo()
    data = get(tmp_path)
    assert data.arrays["train"].shape == (50_000, 784)
    assert data.arrays["validation"].shape == data.arrays["held_out"].shape == (10_000, 784)
    assert data.provenance["name"] == "MNIST (28 x 28)"
    # the well-known first labels of the training and the test images
    assert data.arrays["train_labels"][:6].tolist() == [5, 0, 4, 1, 9, 2]
    assert data.arrays["held_out_labels"][:6].tolist() == [7, 2, 1, 0, 4, 1]


def test_a_wrong_file_in_a_folder_is_an_error_and_not_downloaded(wrong, server, tmp_path):
    bad, message = wrong
    write(tmp_path, CONTENT, packed=False)
    (tmp_path / IMAGES).write_bytes(bad)
    with pytest.raises(WrongContentError, match=message) as caught:
        get(tmp_path / "cache", server, path=str(tmp_path))
    assert str(caught.value).startswith(f"{tmp_path / IMAGES}: ")
    assert server.asked == []
    assert not (tmp_path / "cache").exists()


def test_a_missing_file_in_a_folder_is_an_error(server, tmp_path, monkeypatch):
    write(tmp_path, CONTENT, packed=True)
    (tmp_path / f"{LABELS}.gz").unlink()
    message = rf": expected .*{LABELS} or {LABELS}\.gz, found neither"
    with pytest.raises(MissingImagesError, match=rf"images\.path{message}"):
        get(tmp_path / "cache", server, path=tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(MissingImagesError, match=f"MNIST_DIR{message}"):
        get(tmp_path / "cache", server)
    with pytest.raises(MissingImagesError, match=r"no/where.*, found no such folder"):
        get(tmp_path / "cache", server, path="no/where")
    assert server.asked == []


# --- a download --------------------------------------------------------------


def test_a_download_is_kept_and_not_repeated(server, tmp_path):
    first = get(tmp_path, server)
    asked = list(server.asked)
    again = get(tmp_path, server)
    assert sorted(asked) == sorted(server.asked) == sorted(server.packed)
    check(first.arrays)
    check(again.arrays)
    assert first.provenance["source"] == server.url
    assert again.provenance["source"] == "an earlier download"
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.gz" for name in CONTENT}


def test_a_damaged_earlier_download_is_replaced(wrong, server, tmp_path):
    get(tmp_path, server)
    (tmp_path / f"{IMAGES}.gz").write_bytes(wrong[0])
    lines = []
    check(get(tmp_path, server, report=lines.append).arrays)
    assert re.search(wrong[1], lines[0])
    assert server.asked[4:] == [f"/{IMAGES}.gz"]
    check(get(tmp_path).arrays)


def test_a_wrong_file_comes_from_the_next_mirror(wrong, server, other, tmp_path):
    server.fail(IMAGES, body(wrong[0]))
    data = get(tmp_path, server, other)
    check(data.arrays)
    assert data.provenance["source"] == other.url
    assert re.search(f"{server.url}{IMAGES}.gz: .*{wrong[1]}", data.provenance["reason"])
    assert len(server.asked) == 1
    assert len(other.asked) == 4


def test_whole_files_are_kept_when_a_later_one_fails(server, tmp_path):
    server.fail(TEST_IMAGES, status(404))
    assert get(tmp_path, server).provenance["dataset"] == "digits"
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{IMAGES}.gz", f"{LABELS}.gz"]
    data = get(tmp_path, server)
    check(data.arrays)
    assert data.provenance["source"] == f"an earlier download, {server.url}"
    assert len(server.asked) == 5


@pytest.mark.parametrize("code", [500, 503, 429])
def test_transient_failures_are_retried(code, server, waits, tmp_path):
    server.fail(LABELS, status(code), status(code))
    lines = []
    data = get(tmp_path, server, retries=2, report=lines.append)
    check(data.arrays)
    assert server.asked.count(f"/{LABELS}.gz") == 3
    assert waits == [1, 2]
    failed = [line for line in lines if re.search(rf"{LABELS}\.gz: {code} \w+ Error", line)]
    assert len(failed) == 2


def packed_half(content):
    packed = gzip.compress(content)
    return body(packed[: len(packed) // 2], announced=len(packed))


FAILURES = {
    "404": (status(404), 1, "404 Client Error: Not Found"),
    "403": (status(403), 1, "403 Client Error: Forbidden"),
    "500": (status(500), 3, "500 Server Error"),
    "hangs": (hang, 3, "timed out"),
    "breaks off": (packed_half(GOOD), 3, r"IncompleteRead.\d+ bytes read, \d+ more expected"),
    "trickles": (trickle, 1, r"expected a download within 0\.2 s, found \d+ bytes by then"),
    "too long": (body(bytes(100_000)), 1, r"expected at most \d+ bytes, found more"),
    "hangs up": (lambda handler: None, 3, "Remote end closed connection without response"),
    "babbles": (lambda handler: handler.wfile.write(b"what?\r\n"), 3, "what?"),
}
FAILURES |= {name: (body(bad), 1, message) for name, (bad, message) in WRONG.items()}


@pytest.mark.parametrize(("answer", "asked", "reason"), FAILURES.values(), ids=FAILURES)
def test_failures_are_named_and_leave_nothing(answer, asked, reason, server, monkeypatch, tmp_path):
    monkeypatch.setattr(download, "PATIENCE", 2)
    server.fail(IMAGES, *[answer] * 3)
    data = get(tmp_path, server, timeout=0.1, retries=2)
    assert data.provenance["dataset"] == "digits"
    assert re.search(f"{server.url}{IMAGES}.gz: .*{reason}", data.provenance["reason"])
    assert len(server.asked) == asked
    assert not list(tmp_path.iterdir())


def test_no_network_is_named(monkeypatch, tmp_path):
    def fail(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    data = get(tmp_path, "https://mirror.invalid/a/", "https://mirror.invalid/b")
    assert data.arrays["shape"].tolist() == [8, 8]
    for folder in "ab":
        reason = (
            f"https://mirror.invalid/{folder}/{IMAGES}.gz: [Errno -2] Name or service not known"
        )
        assert reason in data.provenance["reason"]


def test_nobody_listening_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "refused" in get(tmp_path, f"http://127.0.0.1:{port}").provenance["reason"]


def test_a_download_that_cannot_be_kept_is_an_error(server, tmp_path):
    (tmp_path / "cache").touch()
    with pytest.raises(NotADirectoryError):
        get(tmp_path / "cache", server)


# --- addresses ---------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["https://example.org/", "http://localhost:1/", "http://127.0.0.1/", "http://[::1]/"]
)
def test_https_and_this_machine_are_allowed(url):
    check_address(url)


REFUSED = ["http://example.org/", "http://127.0.0.1.example.org/", "ftp://localhost/"]


@pytest.mark.parametrize("url", [*REFUSED, "file:///etc", "no address", ""])
@pytest.mark.parametrize("dataset", ["auto", "mnist"])
def test_other_addresses_are_refused_before_anything_is_asked(url, dataset, server, tmp_path):
    with pytest.raises(DownloadError, match=f"^{url}: expected an https address, found '"):
        get(tmp_path, server, url, dataset=dataset)
    assert server.asked == []


def whole(tmp_path, server, retries=0):
    """Return what comes of the training images, unpacked."""
    path = tmp_path / f"{IMAGES}.gz"
    fetch(path, server.url, retries, Downloader(1.0, 10**6, lambda *_: None, print))
    return gzip.decompress(path.read_bytes())


@pytest.mark.parametrize("url", REFUSED)
def test_redirects_are_checked_too(url, server, tmp_path):
    server.fail(IMAGES, status(302, Location=url))
    message = f"{url} .where {server.url}{IMAGES}.gz redirects.: expected an https address"
    with pytest.raises(DownloadError, match=message):
        whole(tmp_path, server, retries=2)
    assert len(server.asked) == 1
    assert not list(tmp_path.iterdir())


def test_redirects_on_this_machine_are_followed(server, other, tmp_path):
    server.fail(IMAGES, status(302, Location=f"{other.url}{IMAGES}.gz"))
    assert whole(tmp_path, server) == GOOD


def test_https_never_leads_to_http(server):
    def redirecting(to):
        url = "https://example.org/"
        return SimpleNamespace(is_redirect=True, url=url, headers={"location": to})

    with pytest.raises(DownloadError, match="expected an https address, found 'http'"):
        check_redirect(redirecting(server.url))
    check_redirect(redirecting("https://example.com/"))
    check_redirect(redirecting("/elsewhere"))


# --- the choice --------------------------------------------------------------


def test_the_digits_need_no_folder_or_mirror(server, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "no/where")
    data = get(tmp_path, server, dataset="digits")
    assert data.provenance["reason"] == "images.dataset is digits"
    assert data.provenance["dataset"] == "digits"
    assert server.asked == []


def test_without_mnist_the_error_says_how_to_provide_it(server, tmp_path):
    server.fail(IMAGES, status(404))
    with pytest.raises(MissingImagesError) as caught:
        get(tmp_path, server, dataset="mnist")
    for part in (*CONTENT, "404", ".gz", "images.path", "MNIST_DIR", "images.dataset"):
        assert part in str(caught.value)


def test_no_mirrors_mean_no_download(tmp_path):
    assert "images.mirrors is empty" in get(tmp_path).provenance["reason"]


# --- arrays ------------------------------------------------------------------


def test_the_digits_are_shuffled_without_loss():
    arrays = scikit_digits("a test").arrays
    parts = ("train", "validation", "held_out")
    assert [len(arrays[part]) for part in parts] == [1249, 249, 299]
    together = np.concatenate(
        [np.column_stack([arrays[part], arrays[f"{part}_labels"]]) for part in parts]
    )
    expected = np.column_stack(load_digits(return_X_y=True))
    assert not np.array_equal(together, expected)
    in_order = [table[np.lexsort(table.T)] for table in (together, expected)]
    np.testing.assert_array_equal(*in_order)
    again = scikit_digits("a test").arrays
    for part, array in arrays.items():
        np.testing.assert_array_equal(array, again[part])
    # every digit is in every part: by chance alone, one is missing once in 10^10 splits
    assert all(set(arrays[f"{part}_labels"]) == set(range(10)) for part in parts)


def test_intensities_reach_from_black_to_white():
    for white in (16, 255):
        grey = intensities(np.array([0, 1, white], np.uint8), np.array(white))
        assert grey.dtype == np.float32
        np.testing.assert_allclose(grey, [0, 1 / white, 1], rtol=1e-7)
