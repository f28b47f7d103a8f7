"""Where the images come from: a folder, a download, or scikit-learn.

The files of MNIST are recognised by their content. They have the IDX format (LeCun, Cortes and
Burges, *The MNIST database*): two zero bytes, the type of the numbers (8: unsigned bytes), the
number of dimensions, the dimensions as 32-bit big-endian integers, the data.
"""

import gzip
import os
import zlib
from collections import deque
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autoscore.images.download import Downloader, DownloadError, check_address, fetch
from autoscore.numerics.streams import generator

VARIABLE = "MNIST_DIR"
VALIDATION = 6  # the last sixth of the training images: 10,000 of MNIST's, as is usual
FOLDER = "a folder named"  # how the source of images from a folder begins
GZIP = b"\x1f\x8b"  # how every gzip file begins
LARGEST = 47_040_016  # bytes of the largest file, unpacked
MNIST = {  # SHA-256 of the unpacked files: training and test images, each with their labels
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class MissingImagesError(Exception):
    """The requested images are not there; the message says how to provide them."""


class WrongContentError(ValueError):
    """A file is not what it should be; the message names it, what was expected and found."""


class ImageData(NamedTuple):
    """Acquired images.

    `arrays` holds ``train``, ``validation`` and ``held_out``, of shape ``(n, h * w)`` and type
    ``uint8``, each with its ``..._labels`` ``(n,)``; ``shape``, which is ``[h, w]``; and ``white``,
    the value of white. `provenance` holds ``dataset`` (``mnist`` or ``digits``), its ``name`` for
    titles, its ``source``, and the ``reason`` for this source.
    """

    arrays: dict[str, np.ndarray]
    provenance: dict[str, str]


def cache_folder() -> Path:
    """Return the folder in the system's cache that keeps downloads for all projects of a user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "autoscore", "mnist")


def acquire(settings: dict, cache: Path, report: Callable[[str], object] = print) -> ImageData:
    """Return MNIST, from a folder or a download, or scikit-learn's digits.

    A folder, which the setting ``path`` or else the variable ``MNIST_DIR`` gives, is taken at its
    word: a missing or wrong file is an error. Without one, files come from the folder `cache`, or
    else from the ``mirrors``, and are then kept there. Where that fails, the ``dataset`` ``auto``
    falls back on the digits. `report` receives a line on whatever takes time or goes wrong.

    Raises MissingImagesError if the given folder lacks a file, or if ``dataset`` is ``mnist`` and
    the download failed; WrongContentError if a file in the folder is not the one that its name
    says; DownloadError if a mirror's address is refused.
    """
    if settings["dataset"] == "digits":
        return scikit_digits("images.dataset is digits")
    folders = {"images.path": settings["path"], VARIABLE: os.environ.get(VARIABLE)}
    for setting, folder in folders.items():
        if folder:
            # results must not name places of this machine
            source = f"{FOLDER} {Path(folder).name}"
            return _mnist(_read_folder(folder, setting), source, f"{setting} is set")
    downloads = Downloads(settings, cache, report)
    try:
        arrays = [downloads.read(name) for name in MNIST]
    except DownloadError as error:
        problem = f"no folder is set, and MNIST could not be downloaded: {error}"
        if settings["dataset"] == "auto":
            return scikit_digits(problem)
        raise MissingImagesError(
            f"{problem}. Put {', '.join(MNIST)}, as they are or as .gz, into a folder, and give it "
            f"as images.path in the configuration or in the variable {VARIABLE}; or set "
            "images.dataset to digits: scikit-learn carries those."
        ) from error
    reason = "; ".join(["no folder is set", *downloads.mishaps])
    return _mnist(arrays, ", ".join(dict.fromkeys(downloads.origins)), reason)


def read_idx(content: bytes, origin: str, name: str) -> np.ndarray:
    """Return the read-only array of the file of MNIST with this name, packed by gzip or not.

    Raises WrongContentError, which calls the content `origin`, if it is damaged or another file.
    Packed content is never unpacked much beyond the size of the largest file.
    """
    try:
        if content.startswith(GZIP):
            content = gzip.GzipFile(fileobj=BytesIO(content)).read(LARGEST + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        message = f"{origin}: expected a whole .gz file, found a damaged one ({error})"
        raise WrongContentError(message) from error
    found = sha256(content).hexdigest()
    if found != MNIST[name]:
        more = " or more" if len(content) > LARGEST else ""
        raise WrongContentError(
            f"{origin}: expected SHA-256 {MNIST[name]} of the unpacked file, found {found} of "
            f"{len(content)} bytes{more}, which begin with {content[:20]!r}"
        )
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _read_folder(folder: str | Path, setting: str) -> list[np.ndarray]:
    arrays = []
    for name in MNIST:
        plain = Path(folder).expanduser() / name
        packed = plain.with_name(f"{name}.gz")
        path = plain if plain.exists() else packed
        if not path.exists():
            found = "neither" if plain.parent.is_dir() else "no such folder"
            raise MissingImagesError(f"{setting}: expected {plain} or {packed.name}, found {found}")
        arrays.append(read_idx(path.read_bytes(), str(path), name))
    return arrays


class Downloads:
    """Files of MNIST from mirrors, each kept in a cache once it is whole.

    They came from `origins`, one each; `mishaps` are the failures that no retry mended. Arguments
    and errors are those of `acquire`.
    """

    def __init__(self, settings: dict, cache: Path, report: Callable[[str], object]) -> None:
        self.settings, self.cache, self.report = settings, cache, report
        self.mirrors = deque(settings["mirrors"])
        for mirror in self.mirrors:
            check_address(mirror)
        self.origins: list[str] = []
        self.mishaps: list[str] = []

    def read(self, name: str) -> np.ndarray:
        """Return an array from the cache or a mirror; raise DownloadError if none has the file."""
        path = self.cache / f"{name}.gz"
        origin = "an earlier download"
        if not self._is_kept(path, name):
            origin = self._fetch(path, name)
        self.origins.append(origin)
        return read_idx(path.read_bytes(), str(path), name)

    def _is_kept(self, path: Path, name: str) -> bool:
        if path.exists():
            try:
                read_idx(path.read_bytes(), str(path), name)
            except WrongContentError as error:
                self.report(f"{error}; downloading it again")
                path.unlink()
        return path.exists()

    def _fetch(self, path: Path, name: str) -> str:
        timeout, retries = self.settings["timeout"], self.settings["retries"]
        check = partial(read_idx, name=name)
        for mirror in tuple(self.mirrors):
            self.report(f"downloading {path.name} from {mirror}")
            try:
                fetch(path, mirror, retries, Downloader(timeout, LARGEST, check, self.report))
            except DownloadError as error:
                self.mishaps.append(str(error))
                self.mirrors.rotate(-1)  # try the next file elsewhere first
            else:
                return mirror
        raise DownloadError("; ".join(self.mishaps) or "images.mirrors is empty")


def _mnist(arrays: list[np.ndarray], source: str, reason: str) -> ImageData:
    height, width = arrays[0].shape[1:]
    provenance = {"dataset": "mnist", "name": f"MNIST ({height} x {width})", "source": source}
    return _split(arrays, 255, provenance | {"reason": reason})


def scikit_digits(reason: str) -> ImageData:
    """Return scikit-learn's 8 x 8 digits in a fixed random split; `reason` is for the record."""
    import sklearn  # it takes seconds
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    # in their own order, the last digits are by other writers than the first
    order = generator(0, "images", "digits", "split").permutation(len(labels))
    images, labels = (part[order].astype(np.uint8) for part in (pixels.reshape(-1, 8, 8), labels))
    rest = len(labels) - len(labels) // VALIDATION
    provenance = {"dataset": "digits", "name": "digits of scikit-learn (8 x 8)"}
    provenance |= {"source": f"scikit-learn {sklearn.__version__}", "reason": reason}
    parts = [images[:rest], labels[:rest], images[rest:], labels[rest:]]
    return _split(parts, 16, provenance)


def _split(parts: list[np.ndarray], white: int, provenance: dict[str, str]) -> ImageData:
    train, train_labels, held_out, held_out_labels = parts
    kept = len(train) - len(train) // VALIDATION
    flat = train.reshape(len(train), -1)
    arrays = {
        "train": flat[:kept],
        "train_labels": train_labels[:kept],
        "validation": flat[kept:],
        "validation_labels": train_labels[kept:],
        "held_out": held_out.reshape(len(held_out), -1),
        "held_out_labels": held_out_labels,
        "shape": np.array(train.shape[1:]),
        "white": np.array(white),
    }
    return ImageData(arrays, provenance)
