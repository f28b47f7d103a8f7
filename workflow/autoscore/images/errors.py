"""Standard errors of means and shares over images, samples or chains."""

import numpy as np


def mean_error(values: np.ndarray, groups: np.ndarray | None = None) -> float:
    """Return the standard error of the mean of values ``(n,)``, 0 for one that stands for all.

    Values of the same of the `groups` ``(n,)``, integers, may depend on each other: what varies
    are the groups' means.
    """
    if groups is not None:
        counts = np.bincount(groups)
        values = np.bincount(groups, values)[counts > 0] / counts[counts > 0]
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def share_error(hits: np.ndarray, groups: np.ndarray | None = None) -> float:
    """Return the standard error of a share, above 0 even if all or none of the hits ``(n,)`` are.

    It is at least that of independent ones (Agresti and Coull 1998); see `mean_error`.
    """
    n = len(hits) + 4
    likely = (hits.sum() + 2) / n
    alone = float(np.sqrt(likely * (1 - likely) / n))
    return alone if groups is None else max(alone, mean_error(hits, groups))
