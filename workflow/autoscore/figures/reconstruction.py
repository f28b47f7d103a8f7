"""Reconstruction error beside -log p: small at a mode, and small between modes (statement C2)."""

import numpy as np
import pandas as pd

from autoscore.figures.density import visible
from autoscore.figures.declaration import Figure, LINE, Listed
from autoscore.figures.style import BEST, COLUMN, NAMES, TRUTH, drawable, save, subplots
from autoscore.files.storage import read_arrays

FIGURE = Figure(
    section=LINE,
    shows=("C2",),
    caption="the reconstruction error vanishes at a mode and between modes alike; it is no energy",
    scope=Listed((1,), separate=True),
    reads={
        "curves": "results/optimum/{density}.npz",
        "learned": "results/geometry/{density}.npz",
        "fixed_points": "results/geometry/{density}_fixed_points.csv",
    },
    settings=lambda config, density: {"sigma": config["figures"]["field_sigma"]},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the reconstruction errors above -log p, with the field's fixed points marked in both.

    Parameters
    ----------
    inputs
        ``curves``: arrays of `autoscore.optimum.curves.optimum_curves`; ``learned``: arrays of
        `autoscore.geometry.line.displacement_curves`; ``fixed_points``: its `fixed_point_table`.
    outputs
        Files to write.
    settings
        ``sigma``: the noise level to draw; the nearest trained one is taken.
    """
    curves, learned = read_arrays(inputs["curves"]), read_arrays(inputs["learned"])
    shown = visible(curves)
    x = curves["x"][shown]
    level = int(np.abs(learned["sigmas"] - settings["sigma"]).argmin())
    sigma = learned["sigmas"][level]
    figure, (top, bottom) = subplots(2, 1, sharex=True, figsize=(COLUMN, 3.8))
    top.set_yscale("log")
    for objective, look in BEST.items():
        name = NAMES[objective]
        best = drawable(learned[f"best_{objective}"][level, shown] ** 2)
        top.plot(x, best, label=f"best {name}", **look)
        for seed, displacement in enumerate(learned[objective][level]):
            label = f"learned {name} (every seed)" if seed == 0 else None
            moved = drawable(displacement[shown] ** 2)
            top.plot(x, moved, label=label, color=look["color"], alpha=0.35)
    top.set_ylim(bottom=1e-9)
    top.set_ylabel(r"$|r(x) - x|^2$")
    top.set_title(rf"$\sigma = {sigma:.3g}$")
    bottom.plot(x, -curves["log_prob"][shown], **TRUTH)
    bottom.set_ylabel(r"$-\log p(x)$")
    bottom.set_xlabel("$x$")
    points = pd.read_csv(inputs["fixed_points"])
    points = points[(points["model"] == "exact") & (points["objective"] == "dae")]
    points = points[np.isclose(points["sigma"], sigma)]
    for stable, face, label in (
        (True, "black", "attracting: a mode"),
        (False, "white", "repelling: between modes"),
    ):
        chosen = points[points["stable"] == stable]["x"].to_numpy(float)
        energy = np.interp(chosen, x, -curves["log_prob"][shown])
        bottom.scatter(
            chosen, energy, s=22, facecolor=face, edgecolor="black", zorder=5, label=label
        )
        for axis in (top, bottom):
            for place in chosen:
                axis.axvline(place, color="0.75", linewidth=0.7, zorder=0)
    bottom.legend(loc="upper center")
    figure.legend(*top.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    figure.align_ylabels()
    save(figure, outputs)
