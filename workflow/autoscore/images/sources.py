"""Where the images come from: a folder, a download, or scikit-learn."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from autoscore.files.storage import write_atomically
from autoscore.images.download import DownloadError, check_address, fetch
from autoscore.images.idx import MNIST, IdxFile, WrongContentError, read_idx
from autoscore.numerics.streams import generator

VARIABLE = "MNIST_DIR"
VALIDATION = 6  # one part in this many: of MNIST the last 10,000 training images, as is usual
FOLDER = "a folder named"  # what the source of images in a folder begins with
DEFAULTS = {
    "dataset": "auto",
    "path": None,
    "mirrors": [
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ],
    "timeout": 10,
    "retries": 2,
}


class MissingImagesError(Exception):
    """The images that were asked for are not there; the message says how to provide them."""


@dataclass(frozen=True)
class ImageData:
    """Images, their labels, and where they are from.

    Attributes
    ----------
    arrays : dict
        ``train``, ``validation`` and ``held_out`` of shape ``(n, h * w)`` and type ``uint8``, each
        with its ``..._labels`` of shape ``(n,)``; ``shape``, which is ``[h, w]``; and ``white``,
        the value of the brightest grey (see `intensities`).
    provenance : dict
        Strings: ``dataset`` (``mnist`` or ``digits``), its ``name`` for titles, its ``source``,
        and the ``reason`` for this source.
    """

    arrays: dict[str, np.ndarray]
    provenance: dict[str, str]


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where downloads are kept for all projects of this user: in the cache of the system."""
    cache = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "autoscore" / "mnist"


def intensities(pixels: np.ndarray, white: int) -> np.ndarray:
    """Return pixels as ``float32`` between 0 (black) and 1 (white)."""
    return pixels.astype(np.float32) / np.float32(white)


def acquire(
    settings: Mapping[str, Any],
    cache: str | Path,
    environ: Mapping[str, str] = os.environ,
    report: Callable[[str], object] = print,
    files: Mapping[str, IdxFile] = MNIST,
) -> ImageData:
    """Return MNIST, from the first place that is given or has it, or scikit-learn's digits.

    A folder (`settings` before `environ`) is taken at its word: a file that is missing there or
    wrong is an error. Without one, files are kept from an earlier download or downloaded.

    Parameters
    ----------
    settings
        What differs from `DEFAULTS`. ``dataset``: ``mnist``, ``digits``, or ``auto``, which does
        with the digits where a download of MNIST fails; ``path``: the folder; ``mirrors``:
        addresses of folders, tried in turn; ``timeout`` in seconds and ``retries`` of each.
    cache
        Folder in which downloads are kept, each file whole or not at all.
    environ
        Environment, of which ``MNIST_DIR`` is read.
    report
        Called with a line on each thing that takes time or goes wrong.
    files
        Name and content of the four files.

    Raises
    ------
    ValueError
        If ``dataset`` is none of these.
    MissingImagesError
        If the folder lacks a file, or ``dataset`` is ``mnist`` and there is none.
    WrongContentError
        If a file in the folder is not the one that its name says.
    DownloadError
        If a mirror's address is refused.
    OSError
        If a folder cannot be read or the download not be kept.
    """
    settings = DEFAULTS | dict(settings)
    dataset = settings["dataset"]
    if dataset not in ("auto", "mnist", "digits"):
        raise ValueError(f"images.dataset must be auto, mnist or digits, not {dataset!r}")
    if dataset == "digits":
        return scikit_digits("images.dataset is digits")
    for given, folder in (("images.path", settings["path"]), (VARIABLE, environ.get(VARIABLE))):
        if folder:
            # results name no place of this machine
            source = f"{FOLDER} {Path(folder).name}"
            return _mnist(read_folder(folder, files, given), source, f"{given} is set")
    downloads = Downloads(settings, Path(cache), report)
    try:
        arrays = {part: downloads.read(file) for part, file in files.items()}
    except DownloadError as error:
        problem = f"no folder is set, and MNIST could not be downloaded: {error}"
        if dataset == "mnist":
            raise MissingImagesError(f"{problem}. {_advice(files)}") from error
        return scikit_digits(problem)
    reason = "; ".join(["no folder is set", *downloads.mishaps])
    return _mnist(arrays, ", ".join(downloads.origins), reason)


def _advice(files: Mapping[str, IdxFile]) -> str:
    names = ", ".join(file.name for file in files.values())
    return (
        f"Put {names}, as they are or as .gz, into a folder, and give it as images.path in the "
        f"configuration or in the variable {VARIABLE}; or set images.dataset to digits: "
        "scikit-learn carries those."
    )


def read_folder(
    folder: str | Path, files: Mapping[str, IdxFile], given: str
) -> dict[str, np.ndarray]:
    """Return the arrays of IDX files that lie in a folder, packed or not.

    Parameters
    ----------
    folder
        Where they are; ``~`` is the home folder.
    files
        Name and content of each.
    given
        What errors say the folder was given by.

    Raises
    ------
    MissingImagesError
        If the folder or one of the files is not there.
    WrongContentError
        If a file holds anything else.
    """
    arrays = {}
    for part, file in files.items():
        plain = Path(folder).expanduser() / file.name
        packed = plain.with_name(f"{file.name}.gz")
        path = plain if plain.exists() else packed
        if not path.exists():
            found = "neither" if plain.parent.is_dir() else "no such folder"
            raise MissingImagesError(f"{given}: expected {plain} or {packed.name}, found {found}")
        with path.open("rb") as stream:
            arrays[part] = read_idx(stream, file, str(path))
    return arrays


class Downloads:
    """Files from mirrors, each kept whole once it is here.

    Parameters
    ----------
    settings, cache, report
        As for `acquire`.

    Attributes
    ----------
    origins : list of str
        The different places that files were from so far.
    mishaps : list of str
        What went wrong so far, less what a retry mended.

    Raises
    ------
    DownloadError
        If a mirror's address is refused.
    """

    def __init__(
        self, settings: Mapping[str, Any], cache: Path, report: Callable[[str], object]
    ) -> None:
        self.settings, self.cache, self.report = settings, cache, report
        self.mirrors = list(settings["mirrors"])
        for mirror in self.mirrors:
            check_address(mirror)
        self.origins: list[str] = []
        self.mishaps: list[str] = []

    def read(self, file: IdxFile) -> np.ndarray:
        """Return the array of a file, from an earlier download or from the next mirror that has it.

        Raises
        ------
        DownloadError
            If the file could be had from no mirror.
        OSError
            If it cannot be kept.
        """
        kept = self.cache / f"{file.name}.gz"
        array, origin = self._kept(kept, file), "an earlier download"
        if array is None:
            array, origin = self._fetched(kept, file)
        if origin not in self.origins:
            self.origins.append(origin)
        return array

    def _kept(self, path: Path, file: IdxFile) -> np.ndarray | None:
        if path.exists():
            try:
                with path.open("rb") as stream:
                    return read_idx(stream, file, str(path))
            except WrongContentError as error:
                self.report(f"{error}; it is downloaded anew")
        return None

    def _fetched(self, path: Path, file: IdxFile) -> tuple[np.ndarray, str]:
        most = file.size + file.size // 100 + 1024  # what cannot be packed grows by packing
        timeout, retries = self.settings["timeout"], self.settings["retries"]
        for mirror in tuple(self.mirrors):
            url = f"{mirror.rstrip('/')}/{path.name}"
            self.report(f"downloading {url}")
            try:
                content = fetch(url, most, timeout, retries, self.report)
                array = read_idx(BytesIO(content), file, url)
            except (DownloadError, WrongContentError) as error:
                self.report(str(error))
                self.mishaps.append(str(error))
                self.mirrors.append(self.mirrors.pop(0))  # the next file is tried elsewhere first
            else:
                write_atomically(path, partial(Path.write_bytes, data=content))
                return array, mirror
        raise DownloadError("; ".join(self.mishaps) or "images.mirrors is empty")


def _mnist(arrays: Mapping[str, np.ndarray], source: str, reason: str) -> ImageData:
    height, width = arrays["train"].shape[1:]
    provenance = {
        "dataset": "mnist",
        "name": f"MNIST ({height} x {width})",
        "source": source,
        "reason": reason,
    }
    return ImageData(_parts(**arrays, white=255), provenance)


def scikit_digits(reason: str) -> ImageData:
    """Return the 8 x 8 digits bundled with scikit-learn, in a fixed random split.

    Parameters
    ----------
    reason
        Why it is these, for the record.
    """
    import sklearn  # it takes seconds
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    # in their own order the last are by other writers than the first
    order = generator(0, "images", "digits", "split").permutation(len(labels))
    images, labels = (part[order].astype(np.uint8) for part in (pixels.reshape(-1, 8, 8), labels))
    rest = len(labels) - len(labels) // VALIDATION
    arrays = _parts(images[:rest], labels[:rest], images[rest:], labels[rest:], white=16)
    provenance = {
        "dataset": "digits",
        "name": "digits of scikit-learn (8 x 8)",
        "source": f"scikit-learn {sklearn.__version__}",
        "reason": reason,
    }
    return ImageData(arrays, provenance)


def _parts(
    train: np.ndarray,
    train_labels: np.ndarray,
    held_out: np.ndarray,
    held_out_labels: np.ndarray,
    white: int,
) -> dict[str, np.ndarray]:
    kept = len(train) - len(train) // VALIDATION
    flat = train.reshape(len(train), -1)
    return {
        "train": flat[:kept],
        "train_labels": train_labels[:kept],
        "validation": flat[kept:],
        "validation_labels": train_labels[kept:],
        "held_out": held_out.reshape(len(held_out), -1),
        "held_out_labels": held_out_labels,
        "shape": np.array(train.shape[1:]),
        "white": np.array(white),
    }
