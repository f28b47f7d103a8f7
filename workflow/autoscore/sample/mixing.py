"""How well chains mix, from draws of shape ``(chains, draws, d)``, at least 4 per chain.

Both statistics are those of Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021, Bayesian
Analysis 16), as arviz-stats computes them.
"""

import numpy as np

from autoscore.samplers.chains import Chains


def rhat(draws: np.ndarray) -> np.ndarray:
    """Return the rank-normalised split R-hat of each coordinate, shape ``(d,)``.

    It is infinite, or of the order of 1 / rounding, where no chain ever moves.
    """
    from arviz_stats.base import array_stats  # it takes seconds

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(array_stats.rhat(draws, chain_axis=0, draw_axis=1))


def effective_sample_size(draws: np.ndarray) -> np.ndarray:
    """Return the bulk effective sample size of each coordinate over all chains, shape ``(d,)``.

    Where no chain ever moves, which arviz-stats takes for perfect mixing, it is the number of
    chains.
    """
    from arviz_stats.base import array_stats

    still = (draws == draws[:, :1]).all((0, 1))
    return np.where(still, len(draws), array_stats.ess(draws, chain_axis=0, draw_axis=1))


def mixing_row(chains: Chains) -> dict[str, float]:
    """Return R-hat and the effective sample size, the worst over coordinates, and cost.

    Samples down the noise grid are chains of one draw each, which are independent.
    """
    count, draws, _ = chains.draws.shape
    if draws < 4:
        worst, size = np.nan, float(count * draws)
    else:
        worst, size = rhat(chains.draws).max(), effective_sample_size(chains.draws).min()
    return {
        "acceptance": float(chains.acceptance.mean()),
        "rhat": float(worst),
        "ess": float(size),
        "ess_per_second": float(size / chains.seconds),
        "score_evaluations": chains.evaluations,
        "seconds": chains.seconds,
    }
