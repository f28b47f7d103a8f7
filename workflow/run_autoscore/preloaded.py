"""An interpreter that has imported the heavy libraries, from which the jobs of a run fork.

Importing PyTorch, pandas and Matplotlib takes longer than many jobs take. A run of many jobs on one
machine therefore starts one interpreter that imports them once, if possible while the run is still
planned. Each script asks it, through a socket in Snakemake's folder, to run it in a fork, with the
same results; the first scripts of a run wait until it is ready. A script runs by itself where
nobody answers (few jobs, macOS, where forks may crash), on a cluster, where Snakemake times it for
a ``benchmark:``, which sees only what a job's own process and its children take, and where the
variable AUTOSCORE_PRELOADED is set.
"""

import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
import zlib
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from run_autoscore import orphans

DRAWS = "autoscore.figures.style"
LIBRARIES = (
    DRAWS, "autoscore.figures.registry", "jsonschema", "matplotlib.backends.backend_pdf",
    "matplotlib.pyplot", "numpy", "pandas", "scipy.special", "scipy.stats", "seaborn",
    "snakemake.shell", "yaml",
)  # fmt: skip
# half of the import time; light scripts do not need them
FURTHER = (
    "autoscore.geometry.stage", "autoscore.models.conditioned.training",
    "autoscore.models.separate.training", "autoscore.sample.stage", "autoscore.score.stage",
    "arviz_stats.base", "pyamg", "safetensors.numpy", "safetensors.torch", "sympy", "torch",
)  # fmt: skip
LIGHT = (
    "figures.py", "sample_image_tables.py", "sample_tables.py", "score_tables.py",
    "verify_tables.py",
)  # fmt: skip
# relative, since sockets need short paths; one per environment, as with --sdm conda
SOCKET = Path(f".snakemake/preloaded_{zlib.crc32(sys.prefix.encode()):08x}.socket")
ENOUGH = 8  # jobs; below, the imports cost more than they save
FOLDER = str(Path(__file__).parents[1])  # that holds the package `run_autoscore`
THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
# Memory is kept for the next tensor: returning and zeroing it takes a tenth of a training's time
MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 25), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}
INTERRUPTED = 128 + signal.SIGINT  # exit status after Ctrl-C
COPY = "AUTOSCORE_PRELOADED"  # environment variable of forks, and of scripts that run by themselves


_begun: socket.socket | None = None  # to the interpreter that already imports


def begin() -> socket.socket | None:
    """Start the interpreter, which imports what all jobs need, and return the way to it.

    It goes on with `start`, and ends with this process, even if that is killed. Where nothing can
    be gained, for want of a second core or of Linux, there is none.
    """
    global _begun
    if sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1:
        _begun = _interpreter()
    return _begun


def _interpreter() -> socket.socket:
    here, there = socket.socketpair()
    command = [sys.executable.strip("'"), "-m", "run_autoscore.preloaded", *LIBRARIES]
    environment = os.environ | THREADS | MEMORY | {"PYTHONPATH": FOLDER}
    with there:
        subprocess.Popen(command, stdin=there, env=environment)  # noqa: S603 (ours)
    return here


def start(scripts: Sequence[str]) -> None:
    """Let jobs with these scripts, if they are many, be run by the interpreter."""
    global _begun
    orphans.name_this_run()
    if len(scripts) < ENOUGH or sys.platform != "linux":
        if _begun:
            _begun.close()
        return
    light = all(Path(script).name in LIGHT for script in scripts)
    _begun = _begun or _interpreter()  # kept: it ends once this is closed
    with listen() as listener:  # scripts may call from now on, and wait for the imports
        hand_over(_begun, listener, [] if light else FURTHER)


def hand_over(there: socket.socket, listener: socket.socket, further: Sequence[str]) -> None:
    """Tell the interpreter what more to import, and where scripts call."""
    with suppress(ConnectionError):  # it has ended: scripts then run by themselves
        socket.send_fds(there, [json.dumps(further).encode()], [listener.fileno()])


def listen() -> socket.socket:
    """Return the socket where scripts call, in place of one that a killed server left."""
    SOCKET.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(SOCKET))
    SOCKET.chmod(0o600)
    listener.listen(64)
    return listener


def decline() -> None:
    """Let this process's scripts run by themselves, within the limits of a cluster's job."""
    orphans.name_this_run()
    os.environ[COPY] = "1"


def take_over(is_timed: bool = False) -> None:
    """Run this script in a fork and end with its exit status; return if timed or nobody answers."""
    if is_timed or COPY in os.environ or not SOCKET.exists():
        return
    asked = {"arguments": sys.argv, "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as there:
        try:
            there.connect(str(SOCKET))
            there.sendall(json.dumps(asked).encode() + b"\n")
            code = there.recv(1)
        except OSError:  # it ended or was killed
            return
        except KeyboardInterrupt:  # the fork gets it as well
            sys.exit(INTERRUPTED)
    # without a code the fork was killed: tell Snakemake so
    sys.exit(code[0] if code else 128 + signal.SIGKILL)


def load(libraries: Sequence[str] = LIBRARIES + FURTHER) -> None:
    """Import the libraries, by default all that a run needs."""
    for name in libraries:
        import_module(name)


def serve(libraries: Sequence[str], run: socket.socket) -> None:
    """Import the libraries, then fork for each connection until the run closes its socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the run
    gc.disable()
    load(libraries)
    if DRAWS in libraries:
        import_module(DRAWS).prepare()  # fonts and formulas: half of a figure's time
    told, given, *_ = socket.recv_fds(run, 1 << 16, 1)
    if not given:  # a run of few jobs
        return
    with socket.socket(fileno=given[0]) as listener:
        try:
            load(json.loads(told))
            gc.freeze()  # or each fork would look through all of it, and copy the memory
            gc.enable()
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # do not wait for the forks
            while run not in select.select([run, listener], [], [])[0]:
                connection, _ = listener.accept()
                if os.fork() == 0:
                    try:
                        listener.close()
                        _run(connection)
                    finally:  # the script may be gone that asked: a fork leaves the socket alone
                        os._exit(1)
                connection.close()
        finally:
            SOCKET.unlink(missing_ok=True)


def _run(connection: socket.socket) -> NoReturn:
    """Run the requested script, send its exit status, and end."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection.makefile(encoding="utf-8") as lines:
        asked = json.loads(lines.readline())
    os.environ.clear()
    os.environ.update(asked["environment"] | {COPY: "1"})
    sys.argv = asked["arguments"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    code = 1
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = _code(end)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([code]))
        os._exit(code)


def _code(end: SystemExit) -> int:
    """Return the exit status that Python would end with, after printing what it would print."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _end_with(connection: socket.socket) -> None:
    """End this process once the script that asked for it is gone."""
    connection.recv(1)
    os._exit(1)


if __name__ == "__main__":
    try:
        serve(sys.argv[1:], socket.socket(fileno=os.dup(0)))
    except (ImportError, MemoryError, OSError):  # scripts then run by themselves and report it
        sys.exit(1)
