"""What every script does with its log: progress goes in, and so does the reason of a failure."""

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the library is

TERMINAL_INTERVAL = 10.0  # seconds between two lines of one job on the terminal


@contextmanager
def logged(job: Any) -> Iterator[None]:
    """Send all output of a job to its log; end a failing one with its message as the last line.

    `job` is what Snakemake calls ``snakemake`` in a script.
    """
    file = Path(job.log[0]).open("w", encoding="utf-8", buffering=1)  # noqa: SIM115
    try:
        with redirect_stdout(file), redirect_stderr(file):
            yield
            import checksums  # what it imports, the job has imported

            checksums.record(job.output)
    except Exception as error:
        message = " ".join(str(error).split()) or "no message"
        _explain(f"{type(error).__name__}: {message}", file)
        sys.exit(1)
    finally:
        with suppress(OSError):  # of a full disk has been told
            file.close()


def _explain(message: str, log: TextIO) -> None:
    """Say why a job failed at the end of its log, or, where that has no room, on the terminal."""
    try:
        traceback.print_exc(file=log)
        print(message, file=log, flush=True)
    except OSError:
        print(message, file=sys.stderr, flush=True)


def reporter(title: str) -> Callable[[str], None]:
    """Return a function that writes progress to the log, and now and then to the terminal."""
    last = time.monotonic()

    def report(message: str) -> None:
        nonlocal last
        print(message)
        if time.monotonic() - last > TERMINAL_INTERVAL:
            last = time.monotonic()
            print(f"               {title}: {message}", file=sys.__stderr__, flush=True)

    return report
