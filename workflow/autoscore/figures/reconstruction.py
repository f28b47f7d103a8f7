"""Reconstruction error beside -log p_sigma: small at a mode, and small between modes (C2)."""

import numpy as np
import pandas as pd

from autoscore.figures import style
from autoscore.figures.declaration import LINE, Figure, Listed
from autoscore.figures.density import visible
from autoscore.figures.style import BEST, NAMES, OVER, TRUTH, drawable
from autoscore.files.storage import read_arrays

FIGURE = Figure(
    section=LINE,
    shows=("C2",),
    caption="the reconstruction error vanishes at a mode of p_sigma and between modes alike; it is "
    "no energy",
    scope=Listed((1,), needs_separate=True),
    reads={
        "curves": "results/optimum/{density}.npz",
        "learned": "results/geometry/{density}.npz",
        "fixed_points": "results/geometry/{density}_fixed_points.csv",
    },
    settings=lambda config, density: {"sigma": config["figures"]["field_sigma"]},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the reconstruction errors above -log p_sigma, and mark the fixed points in both.

    The trained noise level nearest to ``sigma`` is shown.
    """
    curves, learned = read_arrays(inputs["curves"]), read_arrays(inputs["learned"])
    shown = visible(curves)
    x = curves["x"][shown]
    level = int(np.abs(learned["sigmas"] - settings["sigma"]).argmin())
    sigma = learned["sigmas"][level]
    figure, (top, bottom) = style.subplots(2, 1, sharex=True, figsize=(style.COLUMN, 3.8))
    top.set_yscale("log")
    for objective, look in BEST.items():
        name = NAMES[objective]
        for seed, displacement in enumerate(learned[objective][level]):
            label = f"learned {name} (every seed)" if seed == 0 else None
            moved = drawable(displacement[shown] ** 2)
            top.plot(x, moved, label=label, color=look["color"], alpha=0.35)
        best = drawable(learned[f"best_{objective}"][level, shown] ** 2)
        top.plot(x, best, label=f"best {name}", **OVER | {"linestyle": look["linestyle"]})
    top.set_ylim(bottom=1e-9)
    top.set(ylabel=r"$|r(x) - x|^2$", title=rf"$\sigma = {sigma:.2g}$")
    solved = int(np.abs(curves["sigmas"] - sigma).argmin())
    energy = -curves["log_p_sigma"][solved, shown]
    bottom.plot(x, -curves["log_prob"][shown], color="0.6", label="$p$")
    bottom.plot(x, energy, label=r"$p_\sigma$", **TRUTH)
    bottom.set(xlabel="$x$", ylabel=r"minus log density")
    points = pd.read_csv(inputs["fixed_points"])
    points = points[(points["model"] == "exact") & (points["objective"] == "dae")]
    points = points[np.isclose(points["sigma"], sigma)]
    for stable, face, label in (
        (True, "black", r"attracting: a mode of $p_\sigma$"),
        (False, "white", "repelling: between modes"),
    ):
        at = points[points["stable"] == stable]["x"].to_numpy(float)
        bottom.scatter(at, np.interp(at, x, energy), facecolor=face, label=label, **style.POINT)
        for axis in (top, bottom):
            for place in at:
                axis.axvline(place, color="0.75", linewidth=0.7, zorder=0)
    bottom.legend(loc="upper center", frameon=True, edgecolor="white", framealpha=1.0, ncols=2)
    figure.legend(*top.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    figure.align_ylabels()
    style.save(figure, outputs)
