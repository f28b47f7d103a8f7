"""A field around a curve: where r(x) - x points, and which directions r keeps (C1, C5)."""

import numpy as np
import pandas as pd

from autoscore.densities.declaration import CURVE
from autoscore.figures.declaration import Figure, Listed, PLANE
from autoscore.figures.style import FIELDS, MODELS, PAGE, common_legend, drawable, save, subplots
from autoscore.files.storage import read_arrays

FIGURE = Figure(
    section=PLANE,
    shows=("C5",),
    caption="dr/dx keeps the tangent (eigenvalue 1) and removes the normal (0)",
    scope=Listed((2,), CURVE),
    reads={
        "arrays": "results/geometry/{density}.npz",
        "profiles": "results/geometry/{density}_profiles.csv",
    },
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the direction by distance from the curve, the tangent and the eigenvalues along it.

    Parameters
    ----------
    inputs
        ``arrays`` and ``profiles``: what `autoscore.geometry.plane.arrows`,
        `direction_profile` and `tangent_profile` returned.
    outputs
        Files to write.
    settings
        Not used.
    """
    arrays, profiles = read_arrays(inputs["arrays"]), pd.read_csv(inputs["profiles"])
    profiles = profiles[profiles["seed"].fillna(0) == 0]
    figure, (left, middle, right) = subplots(1, 3, figsize=(PAGE, 2.5))
    middle.set(xlabel="t along the curve", ylabel="degrees", yscale="log", ylim=(0.01, 90.0))
    for name in FIELDS:
        own = profiles[profiles["field"] == name]
        if own.empty:
            continue
        look = {key: value for key, value in MODELS[name].items() if key != "marker"}
        direction = own[own["profile"] == "direction"]
        left.plot(direction["distance"], direction["cosine"], **look)
        left.fill_between(
            direction["distance"], direction["cosine_low"], direction["cosine_high"],
            color=look["color"], alpha=0.12, linewidth=0,
        )  # fmt: skip
        tangent = own[own["profile"] == "tangent"]
        angle = np.degrees(np.arccos(np.clip(tangent["cosine"], 0.0, 1.0)))
        middle.plot(tangent["t"], drawable(angle), **look)
        right.plot(tangent["t"], tangent["eigenvalue"], **look)
        right.plot(tangent["t"], tangent["second"], **(look | {"label": None}))
    left.set(xlabel="distance from the curve", ylabel="cosine", ylim=(-1.05, 1.05))
    left.set_title(
        "r(x) − x against the way to the curve\n(mean; band: 5 to 95 % of points)", fontsize=7
    )
    middle.set_title("leading eigenvector of dr/dx\nagainst the tangent", fontsize=7)
    right.set(xlabel="t along the curve", ylabel="eigenvalue")
    right.set_title(f"eigenvalues of dr/dx on the curve,\nσ = {arrays['sigma']:g}", fontsize=7)
    common_legend(figure, 3)
    save(figure, outputs)
