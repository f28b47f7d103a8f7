"""What every script does with its log and its record.

Progress goes into the log, and so does the reason of a failure; what was run, into the record.
"""

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the library is

from autoscore.files.remedies import remedy
from run import orphans, preloaded

orphans.end_with_the_run()
preloaded.take_over()  # does not come back where this script can be run without its imports

TERMINAL_INTERVAL = 10.0  # seconds between two lines of one job on the terminal


@contextmanager
def logged(job: Any) -> Iterator[None]:
    """Send all output of a job to its log; end a failing one with its message as the last line.

    `job` is what Snakemake calls ``snakemake`` in a script. Where it has an output named
    ``record``, that is written once all is done: a job that was killed or failed has none.
    """
    begin = time.monotonic()
    file = Path(job.log[0]).open("w", encoding="utf-8", buffering=1)  # noqa: SIM115
    try:
        with redirect_stdout(file), redirect_stderr(file):
            yield
            if "record" in dict(job.output):
                record(job, begin)
            from run import checksums  # what it imports, the job has imported

            checksums.record(job.output)
    except Exception as error:
        # the error itself may say little, as that there is no memory
        told = [" ".join(str(error).split()), remedy(error)]
        message = "; ".join(filter(None, told)) or "no message"
        _explain(f"{type(error).__name__}: {message}", file)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(preloaded.INTERRUPTED)
    finally:
        with suppress(OSError):  # of a full disk has been told
            file.close()


def _explain(message: str, log: TextIO) -> None:
    """Say why a job failed at the end of its log, or, where that has no room, on the terminal."""
    try:
        with suppress(MemoryError):  # which a traceback takes, too
            traceback.print_exc(file=log)
        print(message, file=log, flush=True)
    except OSError:
        print(message, file=sys.stderr, flush=True)


def record(job: Any, begin: float) -> None:
    """Write the record of a job that began at that time of the monotonic clock."""
    # the script has imported what this needs, so that here it costs nothing
    from autoscore.files.records import write_record

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
