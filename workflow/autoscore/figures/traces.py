"""Whether chains have mixed: traces, and the ranks of their draws."""

import numpy as np

from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure
from autoscore.figures.runs import drawn_runs, field_and_level
from autoscore.figures.style import SIZES, grid, save
from autoscore.samplers.registry import SAMPLERS

RUNS_SHOWN, CHAINS, BINS = 3, 4, 20

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="whether chains have mixed; one colour for each of four chains. If they have, their "
    "ranks are uniform (line at 1). The field is the exact one: no null model has a part in it",
    scope=Charted("trace and rank plots of the first run"),
    reads=RUNS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw traces and rank plots of the first coordinate, a row per run.

    Ranks are those among all draws of the chains shown; if chains have mixed, the ranks of each are
    uniform (Vehtari et al. 2021).
    """
    from scipy.stats import rankdata

    arrays, runs = drawn_runs(inputs, settings["plan"])
    runs = runs[:RUNS_SHOWN]
    figure, axes = grid(2 * len(runs), 2, 1.4, 0.4, sharex="col", sharey="col")
    for (left, right), run in zip(axes, runs.itertuples(), strict=True):
        draws = arrays[run.chains][:CHAINS, :, 0]
        ranks = rankdata(draws).reshape(draws.shape)
        edges = np.linspace(0.5, draws.size + 0.5, BINS + 1)
        for chain, color in enumerate(SIZES[: len(draws)]):
            left.plot(draws[chain], color=color, linewidth=0.5)
            share = np.histogram(ranks[chain], edges)[0] / draws.shape[1] * BINS
            right.stairs(share, edges / draws.size, color=color, linewidth=0.8)
        right.axhline(1.0, color="0.6", linewidth=0.6)
        text = f"R-hat {run.rhat:.3f}, {run.ess / run.n:.2f} effective draws per draw"
        left.set_title(f"{SAMPLERS[run.sampler].label}, {field_and_level(run)}: {text}", fontsize=7)
        left.set_ylabel("$x_1$")
        right.set_ylabel("density of ranks")
    axes[-1, 0].set_xlabel("draw")
    axes[-1, 1].set_xlabel("rank of $x_1$ / number of draws")
    save(figure, outputs)
