"""The clean score from one noise level and from several, chosen without the truth and with it."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from autoscore.plots.style import PAGE, common_legend, save, title

LABELS = {
    "single": "one level",
    "extrapolated": "extrapolated to σ = 0",
    "combined": "levels combined",
}
CHOICES = {"held_out": ("#0072B2", "chosen on held-out points"), "truth": ("0.6", "best in truth")}


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw, for each target, the error of each seed by how levels are put together.

    Parameters
    ----------
    inputs
        ``choices``: what `autoscore.estimators.measure_combinations` yielded, of all targets.
    outputs
        Files to write.
    settings
        Not used.
    """
    table = pd.read_csv(inputs["choices"])
    table = table[table["trained"] == "conditioned"]
    densities = table["density"].unique()
    columns = 4
    rows = -(-len(densities) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(PAGE, 1.5 * rows + 0.9), sharey=True, squeeze=False
    )
    for axis, density in zip(axes.flat, densities, strict=False):
        some = table[table["density"] == density]
        for offset, (by, (colour, label)) in enumerate(CHOICES.items()):
            part = some[some["chosen_by"] == by]
            places = part["model"].map({name: k for k, name in enumerate(LABELS)})
            axis.scatter(
                part["relative_error"], places + 0.2 * offset - 0.1, s=9, color=colour, label=label,
                linewidth=0, alpha=0.8,
            )  # fmt: skip
        axis.set(yticks=range(len(LABELS)), yticklabels=LABELS.values())
        axis.set_xlim(0.0, 1.08 * some["relative_error"].max())
        axis.locator_params(axis="x", nbins=3)
        axis.set_ylim(len(LABELS) - 0.5, -0.5)
        axis.set_title(title(density), fontsize=7)
        sns.despine(ax=axis, left=True)
        axis.grid(axis="y", linewidth=0.3)
    for axis in axes.flat[len(densities) :]:
        axis.set_visible(False)
    figure.supxlabel("squared relative error", fontsize=8)
    common_legend(figure, len(CHOICES))
    save(figure, outputs)
