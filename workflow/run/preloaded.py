"""An interpreter with the heavy libraries already imported, which every job of a run forks from.

To start Python and import PyTorch, pandas and Matplotlib takes longer than many a job. Beside a
run of many jobs on this machine one interpreter imports them once; a script then asks it, through a
socket in Snakemake's folder, to be run by a copy of it. What comes out is what the script itself
would have made: the copy has the libraries with their fonts, and nothing else, in advance. Where
nobody answers (few jobs, macOS, where such copies may crash, the first seconds of a run) the script
goes on alone, and so it does on a cluster, and where the variable AUTOSCORE_PRELOADED is set.
"""

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
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import NoReturn

from run import orphans

LIBRARIES = (
    "jsonschema", "matplotlib.backends.backend_pdf", "matplotlib.pyplot", "numpy", "pandas",
    "scipy.special", "scipy.stats", "seaborn", "snakemake.shell", "yaml",
)  # fmt: skip
# what figures and tables do without, half of the time
FURTHER = (
    "arviz_stats.base", "pyamg", "safetensors.numpy", "safetensors.torch", "sympy", "torch",
)  # fmt: skip
LIGHT = (
    "figures.py", "sample_image_tables.py", "sample_tables.py", "score_tables.py",
    "verify_table.py",
)  # fmt: skip
# relative, since a path to a socket may not be long; an interpreter of another environment, as with
# --sdm conda, looks for another one
SOCKET = Path(f".snakemake/preloaded_{zlib.crc32(sys.prefix.encode()):08x}.socket")
ENOUGH = 8  # jobs that save more than the imports cost
FOLDER = str(Path(__file__).parents[1])  # where `run` is
THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
INTERRUPTED = 128 + signal.SIGINT  # the status of what Ctrl-C has ended
COPY = "AUTOSCORE_PRELOADED"  # set in the environment of a copy, and of what needs none


def start(scripts: Sequence[str]) -> None:
    """Start it beside a run of the jobs with these scripts; it ends when the run does, anyhow."""
    orphans.name_this_run()
    if len(scripts) < ENOUGH or sys.platform != "linux":
        return
    light = all(Path(script).name in LIGHT for script in scripts)
    # this process keeps the other end of its input, which ends with it, even if it is killed
    libraries = (*LIBRARIES, *(() if light else FURTHER))
    command = [sys.executable.strip("'"), "-m", "run.preloaded", *libraries]
    environment = os.environ | THREADS | {"PYTHONPATH": FOLDER}
    subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)  # noqa: S603 (ours)


def decline() -> None:
    """Let the scripts of this process go on alone: a job of a cluster has its own limits."""
    orphans.name_this_run()
    os.environ[COPY] = "1"


def take_over() -> None:
    """Have the script that asks for it run there, and end as it did; return if nobody is there."""
    if COPY in os.environ or not SOCKET.exists():
        return
    asked = {"arguments": sys.argv, "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as there:
        try:
            there.connect(str(SOCKET))
            there.sendall(json.dumps(asked).encode() + b"\n")
            code = there.recv(1)
        except OSError:  # it has ended, or was killed
            return
        except KeyboardInterrupt:  # which the copy hears, too
            sys.exit(INTERRUPTED)
    # no code: whatever ran the script was killed, of which Snakemake is told
    sys.exit(code[0] if code else 128 + signal.SIGKILL)


def serve(libraries: Sequence[str]) -> None:
    """Import the libraries, then fork for whoever connects until the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides when this ends
    for name in libraries:
        import_module(name)
    if "matplotlib.pyplot" in libraries:
        _load_fonts()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the copies
    SOCKET.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(SOCKET))
        SOCKET.chmod(0o600)
        listener.listen(64)
        while sys.stdin not in select.select([sys.stdin, listener], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _run(connection)
            connection.close()
    SOCKET.unlink(missing_ok=True)


def _load_fonts() -> None:
    """Draw for nobody: Matplotlib keeps its fonts and what reads formulas, a third of a figure."""
    from matplotlib.figure import Figure

    figure = Figure()
    figure.text(0.5, 0.5, r"$\sigma^2$")
    for kind in ("pdf", "png"):
        figure.savefig(BytesIO(), format=kind)


def _run(connection: socket.socket) -> NoReturn:
    """Run the script that the other side asks for, tell it how that ended, and end."""
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
    """Return the exit status that Python itself would end with, having said what it would say."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _end_with(connection: socket.socket) -> None:
    """End this process once the script that it runs for is no more."""
    connection.recv(1)
    os._exit(1)


if __name__ == "__main__":
    try:
        serve(sys.argv[1:])
    except (ImportError, MemoryError, OSError):  # the scripts go on alone, and tell what they lack
        sys.exit(1)
