"""Draws of every run of a plan over the density, a panel per run."""

import numpy as np
import pandas as pd

from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure
from autoscore.figures.runs import drawn_runs, few, field_and_level
from autoscore.figures.style import MODELS, PAGE, Axes, grid, save
from autoscore.samplers.registry import SAMPLERS

SHOWN = 1500  # draws per panel
COLUMNS = 5
NULLS = ("gaussian", "kde", "untrained")
DOTS = {"markersize": 1.4, "markeredgewidth": 0, "rasterized": True}
CONTOURS = {"colors": "0.6", "linewidths": 0.4, "linestyles": "solid"}

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="every sampler on one field; draws over the density, with contours 1, 3 and 6 nats "
    "below its maximum. Those of fields on a curve without thickness are held against p_sigma, "
    "which is shown first. Draws of null models are not kept: the first title has their KL",
    scope=Charted("draws of every run over the density (d = 2)", least=2, most=2),
    reads=RUNS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw independent draws, and those of the chains of each of the plan's runs."""
    arrays, runs = drawn_runs(inputs, settings["plan"])
    reference = arrays["reference"]
    noise = [0.0] if "log_p" in arrays else sorted(runs["sigma"].unique())  # no p on a bare curve
    target = "p" if "log_p" in arrays else r"$p_\sigma$"
    count = len(runs) + len(noise)
    rows = -(-count // COLUMNS)
    columns = -(-count // rows)
    low, high = reference.min(0) - max(noise), reference.max(0) + max(noise)
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    height = PAGE / columns * (high - low)[1] / (high - low)[0] + 0.45
    figure, axes = grid(count, columns, height, 0.3, sharex=True, sharey=True)
    nulls = _of_nulls(pd.read_csv(inputs["diagnostics"]), settings["plan"])
    rng = np.random.default_rng(0)
    for axis, sigma in zip(axes.flat, noise, strict=False):
        draws = reference + sigma * rng.standard_normal(reference.shape)
        text = f"independent draws of {target}" + (f"\nσ = {sigma:g}" if sigma else "")
        _draw_panel(axis, arrays, draws, text + nulls * (len(noise) == 1), "black")
    for axis, run in zip(axes.flat[len(noise) :], runs.itertuples(), strict=False):
        draws = arrays[run.chains].reshape(-1, reference.shape[1])
        sampler = SAMPLERS[run.sampler]
        distance = f"KL to {target} {run.kl:.3f} (floor {run.kl_floor:.3f})"
        text = f"{sampler.label}\n{field_and_level(run)}\n{distance}"
        _draw_panel(axis, arrays, draws, text, sampler.color)
    for axis in axes.flat[max(0, count - columns) : count]:
        axis.tick_params(labelbottom=True)  # above a panel that is hidden, too
    axes[0, 0].set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    figure.supxlabel("$x_1$", fontsize=8)
    figure.supylabel("$x_2$", fontsize=8)
    save(figure, outputs)


def _of_nulls(table: pd.DataFrame, plan: str) -> str:
    """Return the KL of each null model's draws, a line each."""
    found = table[(table["plan"] == plan) & table["model"].isin(NULLS)].groupby("model")["kl"]
    lines = {MODELS[name]["label"]: kl for name, kl in found.mean().items()}
    return "".join(f"\nnull, {label}: KL {kl:.3f}" for label, kl in lines.items())


def _draw_panel(
    axis: Axes, arrays: dict[str, np.ndarray], draws: np.ndarray, text: str, color: str
) -> None:
    if "log_p" in arrays:
        levels = arrays["log_p"].max() - np.array([6.0, 3.0, 1.0])
        places = (arrays["grid_1"], arrays["grid_2"], arrays["log_p"].T)
        axis.contour(*places, levels=levels, **CONTOURS)
    axis.plot(*few(draws, SHOWN).T, ".", color=color, **DOTS)
    axis.set_title(text, fontsize=6)
    axis.set_aspect("equal", adjustable="box")
