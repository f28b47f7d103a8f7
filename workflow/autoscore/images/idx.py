"""The IDX format, and the four files of MNIST, recognised by their content.

IDX (LeCun, Cortes and Burges, *The MNIST database*): two zero bytes, the type of the numbers (8:
unsigned bytes), the number of dimensions, the dimensions as 32-bit big-endian integers, the data.
"""

import gzip
import hashlib
import math
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

GZIP = b"\x1f\x8b"  # how every gzip file begins
MAGIC = b"\x00\x00\x08"  # how every IDX file of unsigned bytes begins
CHUNK = 1 << 20


class WrongContentError(ValueError):
    """A file is not what it should be; the message names it, what was expected and found."""


@dataclass(frozen=True)
class IdxFile:
    """An IDX file whose content is known.

    Attributes
    ----------
    name : str
        File name, unpacked; packed by gzip, it ends in ``.gz`` besides.
    shape : tuple of int
        Dimensions of the array in it.
    sha256 : str
        Of the unpacked file: any packing of it is as good.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def size(self) -> int:
        """Bytes of the unpacked file."""
        return 4 + 4 * len(self.shape) + math.prod(self.shape)


MNIST = {
    "train": IdxFile(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train_labels": IdxFile(
        "train-labels-idx1-ubyte",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "held_out": IdxFile(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "held_out_labels": IdxFile(
        "t10k-labels-idx1-ubyte",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}


def unpack(stream: BinaryIO, most: int, origin: str) -> bytes:
    """Return the content of a stream, unpacked if it is packed by gzip.

    Parameters
    ----------
    stream
        Seekable, at its beginning.
    most
        No more than this many bytes are read or unpacked, whatever the stream holds.
    origin
        What errors call the stream.

    Raises
    ------
    WrongContentError
        If a packed stream is damaged or ends early.
    """
    packed = stream.read(len(GZIP)) == GZIP
    stream.seek(0)
    if not packed:
        return stream.read(most)
    content = bytearray()
    try:
        with gzip.GzipFile(fileobj=stream) as unpacked:
            while chunk := unpacked.read1(min(CHUNK, most - len(content))):
                content += chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise WrongContentError(
            f"{origin}: expected a whole .gz file, found a damaged one ({error}), of which "
            f"{len(content)} bytes unpacked"
        ) from error
    return bytes(content)


def parse_idx(content: bytes, origin: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return the array of an unpacked IDX file of unsigned bytes.

    Parameters
    ----------
    content
        The whole file.
    origin
        What errors call the file.
    shape
        What the array has to look like; any will do if left out.

    Returns
    -------
    numpy.ndarray
        Read-only, of type ``uint8``.

    Raises
    ------
    WrongContentError
        If the file does not begin as an IDX file does, has another shape, or has fewer or more
        bytes than its shape needs.
    """
    if content[:3] != MAGIC:
        raise WrongContentError(
            f"{origin}: expected an IDX file, which begins with {MAGIC!r}, found {content[:20]!r}"
        )
    start = 4 + 4 * content[3] if len(content) > 3 else 4
    if len(content) < start:
        raise WrongContentError(
            f"{origin}: expected a header of {start} bytes, found {len(content)} bytes in all"
        )
    found = struct.unpack_from(f">{content[3]}I", content, offset=4)
    if shape is not None and found != shape:
        raise WrongContentError(f"{origin}: expected an array of shape {shape}, found {found}")
    size = start + math.prod(found)
    if len(content) != size:
        surplus = " or more" if len(content) > size else ""
        raise WrongContentError(
            f"{origin}: expected {size} bytes, found {len(content)}{surplus}, unpacked"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(found)


def read_idx(stream: BinaryIO, file: IdxFile, origin: str) -> np.ndarray:
    """Return the array of a known IDX file, packed or not, once its content is found right.

    Parameters
    ----------
    stream
        Seekable, at its beginning; a packed one is never unpacked beyond what is expected.
    file
        What it should hold.
    origin
        What errors call the stream.

    Raises
    ------
    WrongContentError
        If the stream is damaged, or holds anything else.
    """
    content = unpack(stream, file.size + 1, origin)
    array = parse_idx(content, origin, file.shape)
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise WrongContentError(f"{origin}: expected SHA-256 {file.sha256}, found {digest}")
    return array
