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
BEST = "best possible"
LINES = ("-", ":", "--", "-.")  # of samplers
NULLS = ("gaussian", "kde")

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="how far chains end from the density: bias at large, estimation error at small sigma. "
    "Triangles: seeds of all with a draw where p is 0",
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
    figure, axes = style.grid(len(names), len(names), 0.0, 2.6)
    for axis, name in zip(axes.flat, names, strict=True):
        _draw_panel(axis, runs, name)
    style.common_legend(figure, 3)
    style.save(figure, outputs)


def _draw_panel(axis: style.Axes, runs: pd.DataFrame, name: str) -> None:
    label, symlog = DISTANCES[name]
    axis.set(xscale="log", xlabel=style.SIGMA, ylabel=label)
    if symlog:
        axis.set_yscale("symlog", **symlog)
    else:
        axis.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    samplers, lines = list(dict.fromkeys(runs["sampler"])), []
    measured = runs["chains"].notna()
    for (model, sampler), rows in runs[measured].groupby(["model", "sampler"], sort=False):
        look = MODELS["exact"] | {"label": model}
        look = MODELS.get(model, look if model == BEST else MODELS["combined"] | {"label": model})
        look = look | {"linestyle": LINES[samplers.index(sampler) % len(LINES)]}
        lines.append((rows, look | {"label": f"{look['label']}, {SAMPLERS[sampler].label}"}))
    for model in NULLS:  # the same for all samplers
        rows = runs[(runs["model"] == model) & (runs["sampler"] == samplers[0])]
        lines.append((rows, MODELS[model]))
    infinite = dict.fromkeys(runs["sigma"], 0)  # by noise level, how many lines have been marked
    for rows, look in lines:
        finite = rows.replace(np.inf, np.nan)
        style.mean_and_range(axis, finite, "sigma", name, markersize=3, **look)
        for sigma, values in rows.groupby("sigma")[name]:
            if np.isinf(values).any():
                text = f"▲ {np.isinf(values).sum()}/{len(values)}"
                height = 1.0 - 0.06 * infinite[sigma]
                place = {"transform": axis.get_xaxis_transform(), "color": look["color"]}
                axis.text(
                    sigma, height, text, fontsize=5, ha="center", va="top", in_layout=False, **place
                )
                infinite[sigma] += 1
    axis.margins(y=0.05 + 0.08 * max(infinite.values()))  # room for these
    axis.axhline(0.0, label="independent draws", **FLOOR)
    style.mark_levels(axis, runs["sigma"])
