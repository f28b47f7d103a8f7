"""What a benchmark finds: rows of one tidy table."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """One measurement; missing values are NaN or empty.

    Attributes
    ----------
    case
        The task.
    varied, size
        The size that is varied, and its value here.
    who
        ``"ours"``, or the name of what is compared with it.
    seconds, unit
        Median time over the rounds, and the work done in it.
    ratio, low, high, over
        Ratio of times, median and range over the rounds, and to whose time.
    memory
        MiB.
    error
        The error reached, where accuracy matters.
    """

    case: str
    varied: str
    size: float
    who: str
    seconds: float = np.nan
    unit: str = ""
    ratio: float = np.nan
    low: float = np.nan
    high: float = np.nan
    over: str = ""
    memory: float = np.nan
    error: float = np.nan

    def __str__(self) -> str:
        """Return the row as a line of text."""
        what = f"{self.varied} {self.size:,.6g}" if self.varied else ""
        text = f"{self.case:<36} {what:<22} {self.who:<30}"
        if np.isfinite(self.seconds):
            text += f" {self.seconds:11.4g} s for {self.unit:<16}"
        if np.isfinite(self.ratio):
            text += f" {self.ratio:8.3g} x {self.over} [{self.low:.3g}, {self.high:.3g}]"
        if np.isfinite(self.memory):
            text += f" {self.memory:8.0f} MiB"
        return text + (f" error {self.error:.3g}" if np.isfinite(self.error) else "")


def timed(
    case: str,
    varied: str,
    size: float,
    who: str,
    seconds: np.ndarray,
    unit: str,
    base: np.ndarray | float = np.nan,
    over: str = "",
    **more: float,
) -> Row:
    """Return a row with the times of the rounds and their ratios to a base's.

    Parameters
    ----------
    case, varied, size, who, unit, over
        See `Row`.
    seconds, base
        Shape ``(rounds,)``; ratios are taken round by round.
    **more
        The row's memory and error.
    """
    ratio = np.asarray(seconds) / base
    spread = dict(zip(("ratio", "low", "high"), _spread(ratio), strict=True))
    return Row(
        case, varied, size, who, float(np.median(seconds)), unit, **spread, over=over, **more
    )


def compared(
    case: str, varied: str, size: float, unit: str, seconds: dict[str, np.ndarray]
) -> Iterator[Row]:
    """Yield a row for each competitor; ratios are to the first."""
    first = next(iter(seconds))
    for who, values in seconds.items():
        yield timed(case, varied, size, who, values, unit, seconds[first], first)


def _spread(values: np.ndarray) -> tuple[float, float, float]:
    return float(np.median(values)), float(np.min(values)), float(np.max(values))
