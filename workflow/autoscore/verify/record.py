"""What is on record: at which places of which checks a requirement holds, and how that varies.

The record is made from whole runs with different global seeds. A run's margin at a place, how far
the judged number is within its bounds, has a spread from run to run: that of the mean over seeds,
or that between the runs if it is larger. A place is expected to hold, or to fail, if the mean
margin is at least `CLEAR` such spreads from 0, and is unclear in between. A run differs from the
record where its margin has the other sign and is further from 0 than a run may stray by chance:
with Student's t, so that one run in ten (`ALARMS`) has such a place anywhere (Bonferroni over all
places on record).
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = ["profile", "check", "place", "expected", "margin", "spread", "freedom", "runs"]
CLEAR = 2.0  # spreads between runs
TIE = np.finfo(float).tiny  # the margin of a number that equals what it is to be less than
ALARMS = 0.1  # share of runs with a fresh seed that may differ from the record anywhere


def read(path: str | Path, profile: str) -> pd.DataFrame:
    """Return a profile's part of the record, by check and place; no rows if there is no file."""
    table = pd.DataFrame(columns=COLUMNS)
    if Path(path).is_file():
        table = pd.read_csv(path, keep_default_na=False, na_values={"spread": [""]})
    return table[table["profile"] == profile].set_index(["check", "place"])


def made(profile: str, runs: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the record of a profile that runs give, each the places of one (`judging.PLACES`)."""
    whole = pd.concat([run.assign(run=number) for number, run in enumerate(runs)])
    whole = whole[whole["margin"].notna()]
    rows = []
    for (check, place), part in whole.groupby(["check", "place"], sort=False):
        known = part[part["error"].notna()]
        within = (known["error"] ** 2).mean() if len(known) else np.nan
        between = part["margin"].var(ddof=1) if len(part) > 1 else np.nan
        spread = (
            np.sqrt(np.nanmax([within, between]))
            if not np.isnan([within, between]).all()
            else np.nan
        )
        counts = known["count"].replace(np.inf, 1e6)
        freedom = (counts - 1).clip(lower=0).sum() + len(part) - 1
        margin = part["margin"].mean()
        rows.append(
            [profile, check, place, expected(margin, spread), margin, spread, freedom, len(part)]
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def expected(margin: float, spread: float) -> str:
    """Return whether a place with this mean margin and spread holds, fails or is unclear."""
    # of a single value nobody knows how far it varies; two equal numbers are neither less
    if np.isnan(spread) or abs(margin) < CLEAR * spread or -TIE <= margin < 0:
        return "unclear"
    return "holds" if margin >= 0 else "fails"


def thresholds(record: pd.DataFrame) -> pd.Series:
    """Return how far on the wrong side the margin of each place may be by chance."""
    from scipy.special import stdtrit  # a tenth of a second, which planning a run spares

    judged = record["expected"] != "unclear"
    level = ALARMS / max(int(judged.sum()), 1)
    quantile = -stdtrit(record["freedom"].clip(lower=1).astype(float), level)
    return record["spread"].astype(float) * quantile
