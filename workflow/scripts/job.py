"""What all scripts share: the log, with progress and reasons for failures, and the record."""

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

sys.path.insert(0, str(Path(__file__).parents[1]))  # the library's folder
# By default Intel's MKL, with which PyTorch multiplies, rounds a matrix by where it lies in memory,
# and so by which members of a stack come before it. It reads this variable when it is first used.
os.environ.setdefault("MKL_CBWR", "AUTO")

from autoscore.files.remedies import remedy
from run_autoscore import orphans, preloaded

orphans.end_with_the_run()
# does not return if a preloaded interpreter runs this script
preloaded.take_over(is_timed=sys.modules["__main__"].snakemake.bench_iteration is not None)

TERMINAL_INTERVAL = 10.0  # seconds between lines of one job on the terminal


@contextmanager
def logged(job: Any) -> Iterator[None]:
    """Send a job's output to its log; after a failure, the last line gives the reason.

    An output named ``record`` is written last, so that a failed or killed job has none.
    """
    begin = time.monotonic()
    file = Path(job.log[0]).open("w", encoding="utf-8", buffering=1)  # noqa: SIM115
    try:
        with redirect_stdout(file), redirect_stderr(file):
            yield
            from run_autoscore import checksums  # uses only modules that the job has imported

            record = dict(job.output).get("record")
            made = checksums.of(file for file in job.output if file != record)
            if record:
                _record(job, begin, made)
                made |= checksums.of([record])
            checksums.record(made)
    except Exception as error:
        words = [" ".join(str(error).split()), remedy(error)]  # a MemoryError has no text
        message = "; ".join(filter(None, words)) or "no message"
        _explain(f"{type(error).__name__}: {message}", file)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(preloaded.INTERRUPTED)
    finally:
        with suppress(OSError):  # a full disk, already reported
            file.close()


def _explain(message: str, log: TextIO) -> None:
    """Write why a job failed to the end of its log, or to the terminal if the disk is full."""
    try:
        with suppress(MemoryError):  # a traceback takes memory as well
            traceback.print_exc(file=log)
        print(message, file=log, flush=True)
    except OSError:
        print(message, file=sys.stderr, flush=True)


def _record(job: Any, begin: float, made: dict[str, str]) -> None:
    # uses only modules that the script has imported
    from autoscore.files.records import write_record

    write_record(
        job.output.record,
        job.rule,
        dict(job.wildcards),
        dict(job.params),
        job.input,
        made,
        job.threads,
        time.monotonic() - begin,
    )


def reporter(title: str) -> Callable[[str], None]:
    """Return a function that writes progress to the log and, now and then, to the terminal."""
    last = time.monotonic()

    def report(message: str) -> None:
        nonlocal last
        print(message)
        if time.monotonic() - last > TERMINAL_INTERVAL:
            last = time.monotonic()
            print(f"               {title}: {message}", file=sys.__stderr__, flush=True)

    return report
