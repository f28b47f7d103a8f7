"""Draws of every run of a plan over the density, a panel a run."""

import numpy as np

from autoscore.figures.runs import drawn_runs, few
from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure
from autoscore.figures.style import Axes, PAGE, save, subplots, title
from autoscore.samplers.registry import SAMPLERS

SHOWN = 1500  # draws a panel
COLUMNS = 5

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="every sampler on one field; draws over the density",
    scope=Charted("draws of every run over the density (d = 2)", least=2, most=2),
    reads=RUNS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw independent draws, and those of the first seed's chains.

    Parameters
    ----------
    inputs
        ``chains`` and ``diagnostics`` of one density.
    outputs
        Files to write.
    settings
        ``plan``, whose runs are shown.
    """
    arrays, runs = drawn_runs(inputs, settings["plan"])
    rows = -(-(len(runs) + 1) // COLUMNS)
    columns = -(-(len(runs) + 1) // rows)
    figure, axes = subplots(
        rows, columns, figsize=(PAGE, PAGE / columns * rows + 0.3 * rows + 0.3),
        sharex=True, sharey=True, squeeze=False,
    )  # fmt: skip
    reference = arrays["reference"]
    _draw_panel(axes.flat[0], arrays, reference, "independent draws", "black")
    for axis, run in zip(axes.flat[1:], runs.itertuples(), strict=False):
        draws = arrays[run.chains].reshape(-1, reference.shape[1])
        name, colour = SAMPLERS[run.sampler].label, SAMPLERS[run.sampler].colour
        level = "" if run.sigma == 0 else f", σ = {run.sigma:g}"
        text = f"{name}\n{run.field}{level}\nKL {run.kl:.3f} (floor {run.kl_floor:.3f})"
        _draw_panel(axis, arrays, draws, text, colour)
    for axis in axes.flat[len(runs) + 1 :]:
        axis.set_visible(False)
    low, high = np.quantile(reference, [0.0, 1.0], axis=0)
    reach = 0.1 * (high - low)
    axes[0, 0].set(xlim=(low[0] - reach[0], high[0] + reach[0]))
    axes[0, 0].set(ylim=(low[1] - reach[1], high[1] + reach[1]))
    figure.supxlabel("$x_1$", fontsize=8)
    figure.supylabel("$x_2$", fontsize=8)
    save(figure, outputs)


def _draw_panel(
    axis: Axes, arrays: dict[str, np.ndarray], draws: np.ndarray, text: str, colour: str
) -> None:
    if "log_p" in arrays:
        high = arrays["log_p"].max()
        axis.contour(
            arrays["grid_1"], arrays["grid_2"], arrays["log_p"].T,
            levels=high - np.array([6.0, 3.0, 1.0]), colors="0.6", linewidths=0.4,
            linestyles="solid",
        )  # fmt: skip
    axis.plot(
        *few(draws, SHOWN).T, ".", color=colour, markersize=1.4, markeredgewidth=0, rasterized=True
    )
    axis.set_title(text, fontsize=6)
    axis.set_aspect("equal", adjustable="box")
