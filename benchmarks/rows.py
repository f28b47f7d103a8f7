"""What a benchmark finds: rows of one tidy table."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """One measurement; what was not measured is NaN, or empty.

    Attributes
    ----------
    case
        What is done.
    varied, size
        Which size of the task is varied, and the size of this one.
    who
        ``"ours"``, a peer, or what else the numbers are of.
    seconds, unit
        Median time over the rounds, and what it buys.
    ratio, low, high, over
        Median and range over the rounds of the time in units of another one's, and whose that is.
    memory
        MiB.
    error
        Where accuracy is part of the question: the error reached.
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
    """Return the row of these seconds, one a round, and of their ratios to a base's.

    Parameters
    ----------
    case, varied, size, who, unit, over
        See `Row`.
    seconds, base
        Shape ``(rounds,)``; a round of the one is held against the same round of the other.
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
    """Yield a row for each of those who took turns; ratios are over the first of them."""
    first = next(iter(seconds))
    for who, values in seconds.items():
        yield timed(case, varied, size, who, values, unit, seconds[first], first)


def _spread(values: np.ndarray) -> tuple[float, float, float]:
    return float(np.median(values)), float(np.min(values)), float(np.max(values))
