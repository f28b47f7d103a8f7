"""What every script does with its log and its record.

Progress goes into the log, and so does the reason of a failure; what was run, into the record.
"""

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the library is

TERMINAL_INTERVAL = 10.0  # seconds between two lines of one job on the terminal


@contextmanager
def logged(job: Any) -> Iterator[None]:
    """Send all output of a job to its log; end a failing one with its message as the last line.

    `job` is what Snakemake calls ``snakemake`` in a script. Where it has an output named
    ``record``, that is written once all is done: a job that was killed or failed has none.
    """
    begin = time.monotonic()
    with (
        Path(job.log[0]).open("w", encoding="utf-8", buffering=1) as file,
        redirect_stdout(file),
        redirect_stderr(file),
    ):
        try:
            yield
            if "record" in dict(job.output):
                record(job, begin)
        except Exception as error:
            traceback.print_exc()
            message = " ".join(str(error).split()) or "no message"
            print(f"{type(error).__name__}: {message}")
            sys.exit(1)


def record(job: Any, begin: float) -> None:
    """Write the record of a job that began at that time of the monotonic clock."""
    # the script has imported what this needs, so that here it costs nothing
    from autoscore.records import write_record

    write_record(
        job.output.record,
        job.rule,
        dict(job.wildcards),
        dict(job.params),
        job.input,
        [file for file in job.output if file != job.output.record],
        job.threads,
        time.monotonic() - begin,
    )


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
