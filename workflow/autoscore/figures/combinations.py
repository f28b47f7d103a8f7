"""The clean score from one noise level and from several, chosen without the truth and with it."""

import pandas as pd

from autoscore.figures.declaration import BEYOND, Figure, Shared
from autoscore.figures.style import common_legend, grid, mark_bounds, save, title
from autoscore.plan import combined

COMBINATIONS = {
    "single": "one level",
    "extrapolated": "extrapolated to σ = 0",
    "combined": "levels combined",
}
CHOSEN_BY = {"held_out": "chosen on held-out points", "truth": "best in truth"}
COLORS = dict(zip(CHOSEN_BY.values(), ("#0072B2", "#999999"), strict=True))
BOUND = 0.1
DOTS = {"dodge": True, "jitter": False, "size": 3, "alpha": 0.8}

FIGURE = Figure(
    section=BEYOND,
    shows=("C1",),
    caption=(
        "several noise levels together mostly beat the best one, and the choice needs no truth; "
        "not on the banana, where the choice on held-out points errs, and hardly on two bumps. "
        "Reference: the error 0 of the true score; r(x) = x has 1, and baselines shows null "
        "models of the curve mixtures. Checks ask for .1, a line where it is within the panel"
    ),
    scope=Shared(combined),
    reads={"choices": "results/score/choices.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw, for each density, the error of each seed by how levels are combined."""
    import seaborn as sns

    table = pd.read_csv(inputs["choices"])
    table = table[table["trained"] == "conditioned"]
    table = table.assign(
        combination=table["model"].map(COMBINATIONS), choice=table["chosen_by"].map(CHOSEN_BY)
    )
    orders = {"order": COMBINATIONS.values(), "hue_order": COLORS, "palette": COLORS}
    densities = table["density"].unique()
    figure, axes = grid(max(1, len(densities)), 4, 1.7, 0.5, sharey=True)
    axes[0, 0].set_xlabel("squared relative error")
    for axis, density in zip(axes.flat, densities, strict=False):
        rows = table[table["density"] == density]
        columns = {"x": "relative_error", "y": "combination", "hue": "choice"}
        sns.stripplot(rows, ax=axis, **columns, **orders, **DOTS)
        axis.get_legend().remove()
        axis.set(xlabel="squared relative error", ylabel="")
        axis.set_xlim(0.0, 1.08 * rows["relative_error"].max() or None)
        if rows["relative_error"].max() > BOUND:
            mark_bounds(axis, BOUND, upright=True)
        axis.locator_params(axis="x", nbins=3)
        axis.set_title(title(density), fontsize=7)
        sns.despine(ax=axis, left=True)
        axis.grid(axis="y", linewidth=0.3)
    common_legend(figure, len(COLORS) + 1)
    save(figure, outputs)
