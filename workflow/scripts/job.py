"""What every script does with its log: progress goes in, and so does the reason of a failure."""

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the library is

TERMINAL_INTERVAL = 10.0  # seconds between two lines of one job on the terminal


@contextmanager
def logged(log: str) -> Iterator[None]:
    """Send all output to the log; end a failing job with its message as the log's last line."""
    with (
        Path(log).open("w", encoding="utf-8", buffering=1) as file,
        redirect_stdout(file),
        redirect_stderr(file),
    ):
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            message = " ".join(str(error).split()) or "no message"
            print(f"{type(error).__name__}: {message}")
            sys.exit(1)


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
