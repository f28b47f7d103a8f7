"""The clean score from one noise level and from several, chosen without the truth and with it."""

import pandas as pd

from autoscore.figures.declaration import BEYOND, Figure, Shared
from autoscore.figures.style import PAGE, common_legend, save, subplots, title
from autoscore.plan import combined

LABELS = {
    "single": "one level",
    "extrapolated": "extrapolated to σ = 0",
    "combined": "levels combined",
}
CHOSEN_BY = {"held_out": "chosen on held-out points", "truth": "best in truth"}
CHOICES = dict(zip(CHOSEN_BY.values(), ("#0072B2", "#999999"), strict=True))  # colours

FIGURE = Figure(
    section=BEYOND,
    shows=("C1",),
    caption="several noise levels together beat the best one; the choice needs no truth",
    scope=Shared(combined),
    reads={"choices": "results/score/choices.csv"},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw, for each target, the error of each seed by how levels are put together.

    Parameters
    ----------
    inputs
        ``choices``: what `autoscore.score.estimates.combination_rows` yielded, of all targets.
    outputs
        Files to write.
    settings
        Not used.
    """
    import seaborn as sns

    table = pd.read_csv(inputs["choices"])
    table = table[table["trained"] == "conditioned"]
    table = table.assign(way=table["model"].map(LABELS), choice=table["chosen_by"].map(CHOSEN_BY))
    densities = table["density"].unique()
    columns = 4
    rows = max(1, -(-len(densities) // columns))
    figure, axes = subplots(
        rows, columns, figsize=(PAGE, 1.5 * rows + 0.9), sharey=True, squeeze=False
    )
    for axis, density in zip(axes.flat, densities, strict=False):
        some = table[table["density"] == density]
        sns.stripplot(
            some, x="relative_error", y="way", order=LABELS.values(), hue="choice",
            hue_order=CHOICES, palette=CHOICES, dodge=True, jitter=False, size=3, alpha=0.8,
            ax=axis,
        )  # fmt: skip
        axis.get_legend().remove()
        axis.set(xlabel="", ylabel="")
        axis.set_xlim(0.0, 1.08 * some["relative_error"].max() or None)
        axis.locator_params(axis="x", nbins=3)
        axis.set_title(title(density), fontsize=7)
        sns.despine(ax=axis, left=True)
        axis.grid(axis="y", linewidth=0.3)
    for axis in axes.flat[len(densities) :]:
        axis.set_visible(False)
    figure.supxlabel("squared relative error", fontsize=8)
    common_legend(figure, len(CHOICES))
    save(figure, outputs)
