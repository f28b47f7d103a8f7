"""The score up to one constant factor, which is what r(x) - x gives if sigma is unknown (C3).

The field is regressed on the score over x drawn from the density: r(x) - x = c s(x) + rest. Over
sigma^2, the factor c should be 1. A field of which no multiple has a smaller loss has the factor
1 - e, with e its squared relative error, as any least-squares fit has. For the score of p_sigma
that of the best denoising reconstruction is 1; for the clean score it is
1 - sigma^2 E[(lap p / p)^2] / (2 E|s|^2) + O(sigma^4), from the leading term of C1 by parts.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.numerics.errors import FACTORS
from autoscore.score.estimates import ReferencesAt
from autoscore.score.references import smoothed_at

POINTS = 1000  # at which optima are evaluated, some of them by quadrature
COLUMNS = ["density", "objective", "model", "sigma", "seed", "n", "reference", *FACTORS]


def factor_table(density: str, rows: Iterable[dict]) -> pd.DataFrame:
    """Return the rows that compare a noise level's field with a score, in `COLUMNS`."""
    rows = [{"density": density} | row for row in rows if "factor" in row and row["sigma"]]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"})


def optimum_factors(
    density: Density, objectives: Iterable[str], sigmas: np.ndarray, references: ReferencesAt
) -> Iterator[dict]:
    """Yield how the exact optima are multiples of the clean score, d > 1, where they are known."""
    for objective in objectives:
        for sigma in sigmas:
            found = {reference.name: reference for reference in references(objective, sigma, None)}
            if "p" not in found or (objective == "rcae" and "optimum" not in found):
                continue
            clean = found["p"].first(POINTS)
            if objective == "dae":
                best = smoothed_at(density, sigma).score(clean.x)  # statement T1
            else:
                best = found["optimum"].first(POINTS).score  # at the same points
            labels = {"objective": objective, "model": "exact", "sigma": sigma, "n": np.inf}
            yield labels | clean.compared(best)
