"""How far chains end from the density, by the noise level of the field that drives them."""

import numpy as np
import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure
from autoscore.figures.style import FLOOR, MODELS
from autoscore.samplers.registry import SAMPLERS

DISTANCES = {  # column, label and scale; each is 0 for independent draws, but for noise
    "kl_excess": ("KL above that of independent\ndraws (nats)", {"linthresh": 0.01}),
    "mmd2": ("squared MMD", None),
    "log_p_short": ("mean log p below theirs (nats)", {"linthresh": 0.01}),
}
BOUNDS = {"kl_excess": 0.1}
BEST = "best possible"
LINES = ("-", ":", "--", "-.")  # of samplers
NULLS = ("gaussian", "kde")
RANGE = {"color": "0.85", "linewidth": 0, "zorder": 0, "label": "range of independent draws"}

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="how far chains end from the density: bias at large, estimation error at small sigma. "
    "Means, in bands of the range of seeds; squared MMD, with a dot per seed (hollow "
    "for dotted lines), tells few of these draws from independent ones (training points, the grey "
    "band). Triangles: seeds of all with a "
    "draw where p is 0; where these are most, no mean is drawn. The check asks adjusted Langevin "
    "for a KL within .1 nats of that of independent draws; the others have none here",
    scope=Charted("distances from the density by noise level"),
    reads=RUNS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw every distance over sigma for a plan's runs, beside ``best_possible`` and nulls."""
    table = pd.read_csv(inputs["diagnostics"])
    shown = table["plan"].isin([settings["plan"], "best_possible"]) & (table["sigma"] > 0)
    runs = table[shown].copy()
    runs["model"] = runs["model"].astype(object).fillna(BEST)
    names = [name for name in DISTANCES if runs[name].notna().any()]
    figure, axes = style.grid(len(names), len(names), 0.0, 3.0)
    for axis, name in zip(axes.flat, names, strict=True):
        _draw_panel(axis, runs, name)
    style.common_legend(figure, 3)
    style.save(figure, outputs)


def _lines(runs: pd.DataFrame) -> list[tuple[pd.DataFrame, dict]]:
    """Return the rows and the look of each line: models by sampler, then null models."""
    samplers, lines = list(dict.fromkeys(runs["sampler"])), []
    measured = runs["chains"].notna()
    for (model, sampler), rows in runs[measured].groupby(["model", "sampler"], sort=False):
        seeds = rows["seed"].nunique()
        best = MODELS["exact"] | {
            "marker": "*",
            "label": f"{BEST} ({seeds} seed{'s' if seeds > 1 else ''})",
        }
        look = best if model == BEST else style.model_look(model)
        look = look | {"linestyle": LINES[samplers.index(sampler) % len(LINES)]}
        lines.append((rows, look | {"label": f"{look['label']}: {SAMPLERS[sampler].label}"}))
    for model in NULLS:  # the same for all samplers
        rows = runs[(runs["model"] == model) & (runs["sampler"] == samplers[0])]
        lines.append((rows, MODELS[model]))
    return lines


def _draw_panel(axis: style.Axes, runs: pd.DataFrame, name: str) -> None:
    label, symlog = DISTANCES[name]
    axis.set(xscale="log", xlabel=style.SIGMA, ylabel=label)
    lines = _lines(runs)
    if symlog:
        axis.set_yscale("symlog", **symlog)
        if name in BOUNDS:
            style.mark_bounds(axis, BOUNDS[name])
        _draw_means(axis, lines, name)
    else:
        axis.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
        for k, (rows, look) in enumerate(lines):  # side by side
            dots = {"color": look["color"], "marker": look["marker"] or "_", "linestyle": ""}
            hollow = {"markerfacecolor": "none"} if look["linestyle"] == ":" else {}
            place = rows["sigma"] * 1.04 ** (k - len(lines) / 2)
            axis.plot(place, rows[name], markersize=3, markeredgewidth=0.6, **dots, **hollow)
        independent = runs.loc[runs["model"] == "empirical", name]
        if len(independent):
            axis.axhspan(independent.min(), independent.max(), **RANGE)
    axis.axhline(0.0, label="independent draws", **FLOOR)
    axis.margins(x=0.12)
    style.mark_levels(axis, runs["sigma"])


def _draw_means(axis: style.Axes, lines: list[tuple[pd.DataFrame, dict]], name: str) -> None:
    """Draw means and ranges where most seeds are finite, and count those that are not."""
    marked: dict[float, int] = {}  # by noise level, how many lines
    for rows, look in lines:
        infinite = np.isinf(rows[name])
        mostly = infinite.groupby(rows["sigma"]).transform("mean") > 0.5
        finite = rows[~mostly].replace(np.inf, np.nan)
        style.mean_and_range(axis, finite, "sigma", name, markersize=3, **look)
        for sigma, of_level in infinite.groupby(rows["sigma"]):
            if of_level.any():
                text = f"▲ {of_level.sum()}/{len(of_level)}"
                height = 1.0 - 0.06 * marked.get(sigma, 0)
                place = {"transform": axis.get_xaxis_transform(), "color": look["color"]}
                place |= {"ha": "center", "va": "top", "in_layout": False}
                axis.text(sigma, height, text, fontsize=6, **place)
                marked[sigma] = marked.get(sigma, 0) + 1
    axis.margins(y=0.05 + 0.08 * max(marked.values(), default=0))  # room for these
