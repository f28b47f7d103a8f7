"""A mirror on this machine that answers well, badly or not at all, and files to serve from it."""

import gzip
import struct
from collections import defaultdict
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Thread

import numpy as np
from sklearn.datasets import load_digits

PACKING = 1  # quick: what matters is that it has to be unpacked


def idx(array):
    """Return the bytes of an IDX file."""
    header = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


@cache
def stand_in():
    """Return the content of four files like those of MNIST but a thousand times smaller."""
    pixels, labels = load_digits(return_X_y=True)
    images = pixels.reshape(-1, 8, 8) * 15
    return {
        "train-images-idx3-ubyte": idx(images[:300]),
        "train-labels-idx1-ubyte": idx(labels[:300]),
        "t10k-images-idx3-ubyte": idx(images[300:400]),
        "t10k-labels-idx1-ubyte": idx(labels[300:400]),
    }


def write(folder, content, *, packed):
    """Write files into a folder, packed by gzip or not."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(data, PACKING) if packed else data)


class Mirror(ThreadingHTTPServer):
    """Serves files packed by gzip; `faults` holds answers that come before the good ones."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.packed = {
            f"/{name}.gz": gzip.compress(data, PACKING) for name, data in content.items()
        }
        self.faults = defaultdict(list)
        self.asked = []
        self.closing = Event()

    def server_bind(self):
        """Bind without asking for the host's name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"

    def fail(self, name, *answers):
        self.faults[f"/{name}.gz"].extend(answers)

    def handle_error(self, request, client_address):
        """Stay silent: clients that hang up are what the tests are about."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        waiting = self.server.faults[self.path]
        content = self.server.packed[self.path]
        (waiting.pop(0) if waiting else body(content))(self)

    def log_message(self, *_):
        pass


def body(content, announced=None):
    """Answer with some content, of which more may be announced than comes."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(announced or len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def status(code, **headers):
    """Answer with an error, or with headers such as Location."""

    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


def hang(handler):
    """Do not answer until the mirror closes."""
    handler.server.closing.wait(10)


def trickle(handler):
    """Answer a few bytes at a time, for ever."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.closing.wait(0.005):
        handler.wfile.write(b"\x1f" * 64)


@contextmanager
def mirror(content):
    """Run a mirror of some files."""
    with Mirror(content) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
