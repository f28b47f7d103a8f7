"""What is on record: at which places of which checks a requirement holds, and how that varies.

The record is made from whole runs with different global seeds. A run's margin at a place, how far
the judged number is within its bounds, has a spread from run to run: its standard error, or that
between the runs if it is larger. Few runs tell little of one place. So where a family's runs differ
by more than their standard errors say, on average over its places, these are widened by as much:
else places at which the runs agree by chance would raise false alarms.

What one training says, of images for one, is on record only from several runs, since nobody knows
how far it varies: standard errors over images or draws leave the training out.

A place is expected to hold, or to fail, if the 95 % interval of the mean margin excludes 0, and is
unclear otherwise. A run differs from the record where its margin has the other sign and is
further from 0 than a run may stray by chance: with Student's t, so that one run in ten (`ALARMS`)
has such a place anywhere (Bonferroni over all places on record). Besides, its own interval has to
exclude the bound: what varies has heavier tails than Student's where one training of five fails.

A null model passes at a place (``shared``) if one does in more than half of the runs. With what is
expected, this makes a statement's verdict the same for every run that does not differ.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = ["profile", "check", "place", "expected", "margin", "spread", "freedom", "runs", "shared"]
CLEAR = 0.975  # quantile of Student's t, in spreads: a 95 % interval
WIDEST = 1000.0  # ratio of variances above which a standard error is taken for rounding
TIE = np.finfo(float).tiny  # the margin of a number that equals what it is to be less than
ALARMS = 0.1  # share of runs with a fresh seed that may differ from the record anywhere


def read(path: str | Path, profile: str) -> pd.DataFrame:
    """Return a profile's part of the record, by check and place; no rows if there is no file."""
    table = pd.DataFrame(columns=COLUMNS)
    if Path(path).is_file():
        table = pd.read_csv(path, keep_default_na=False, na_values={"spread": [""]})
    return table[table["profile"] == profile].set_index(["check", "place"])


def made(profile: str, runs: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the record of a profile that runs give, each the places of one (`judging.PLACES`).

    A place with a single value or training is not on it, unless there are several runs. Nor is one
    that only some runs of its check have, such as a fixed point: whether it is there is chance.
    """
    whole = pd.concat([run.assign(run=number) for number, run in enumerate(runs)])
    whole = whole[whole["margin"].notna()]
    asked = whole.groupby("check")["run"].nunique()
    whole["shared"] = whole["passed_by"] != ""
    whole["error"] = whole["error"].mask(whole["single"].astype(bool))
    known = whole["error"].notna()
    counts = (whole["count"].clip(upper=1e6) - 1).clip(lower=0)
    whole = whole.assign(square=whole["error"] ** 2, freedom=counts.where(known, 0))
    table = (
        whole.groupby(["check", "place"], sort=False)
        .agg(
            family=("family", "first"),
            margin=("margin", "mean"),
            within=("square", "mean"),
            between=("margin", "var"),
            freedom=("freedom", "sum"),
            runs=("margin", "size"),
            shared=("shared", "mean"),
        )
        .reset_index()
    )
    beyond = (table["between"] / table["within"]).where(table["within"] > 0).clip(upper=WIDEST)
    widened = beyond.groupby(table["family"]).transform("mean").clip(lower=1).fillna(1)
    spread = np.sqrt(np.fmax(table["within"] * widened, table["between"]))
    freedom = table["freedom"] + table["runs"] - 1
    told = [expected(*place) for place in zip(table["margin"], spread, freedom, strict=True)]
    table = table.assign(profile=profile, expected=told, spread=spread, freedom=freedom)
    table["shared"] = table["shared"] > 0.5
    always = table["runs"] == table["check"].map(asked)
    return table.loc[spread.notna() & always, COLUMNS]


def expected(margin: float, spread: float, freedom: float) -> str:
    """Return whether a place with this mean margin holds, fails or is unclear.

    The `spread` between runs was estimated with so many degrees of `freedom`, at least one.
    """
    from scipy.special import stdtrit  # a tenth of a second, which planning a run spares

    # two equal numbers are neither less
    if (
        np.isnan(spread)
        or abs(margin) < stdtrit(max(freedom, 1), CLEAR) * spread
        or -TIE <= margin < 0
    ):
        return "unclear"
    return "holds" if margin >= 0 else "fails"


def thresholds(record: pd.DataFrame) -> pd.Series:
    """Return how far on the wrong side the margin of each place may be by chance."""
    from scipy.special import stdtrit  # a tenth of a second, which planning a run spares

    judged = record["expected"] != "unclear"
    level = ALARMS / max(int(judged.sum()), 1)
    quantile = -stdtrit(record["freedom"].clip(lower=1).astype(float), level)
    return record["spread"].astype(float) * quantile
