"""A field around a curve: where r(x) - x points, and which directions r keeps (C1, C5)."""

import numpy as np
import pandas as pd

from autoscore.densities.declaration import CURVE
from autoscore.figures import style
from autoscore.figures.declaration import PLANE, Figure, Listed
from autoscore.figures.style import FIELDS, MODELS
from autoscore.files.storage import read_arrays

NULLS = ("kde", "gaussian")  # beside the fields, in the panel that is checked

FIGURE = Figure(
    section=PLANE,
    shows=("C5",),
    caption="dr/dx keeps the tangent (eigenvalue 1) and removes the normal (0), but not where the "
    "curve ends or bends within sigma, as at the crests of the sine. Checks ask for 1 and 0 to a "
    "tenth, of the worst place but for the ends. Left: means, and in thin lines where 5 % of "
    "points lie below. Right: null models, too; of these r(x) = x has both eigenvalues 1",
    scope=Listed((2,), CURVE),
    reads={
        "arrays": "results/geometry/{density}.npz",
        "profiles": "results/geometry/{density}_profiles.csv",
    },
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the direction by distance from the curve, the tangent and the eigenvalues along it."""
    arrays, profiles = read_arrays(inputs["arrays"]), pd.read_csv(inputs["profiles"])
    profiles = profiles[profiles["seed"].fillna(0) == 0]
    figure, (left, middle, right) = style.subplots(1, 3, figsize=(style.PAGE, 2.5))
    middle.set(xlabel="t along the curve", ylabel="degrees")
    for name in FIELDS:
        field = profiles[profiles["field"] == name]
        if field.empty:
            continue
        look = MODELS[name] | {"marker": ""}
        near = field[field["profile"] == "direction"].set_index("distance")
        left.plot(near.index, near["cosine"], **look)
        left.plot(near.index, near["cosine_low"], **look | {"label": None, "linewidth": 0.5})
        along = field[field["profile"] == "tangent"].set_index("t")
        angle = np.degrees(np.arccos(np.clip(along["cosine"], 0.0, 1.0)))
        middle.plot(along.index, angle, **look)
        right.plot(along.index, along["eigenvalue"], **look)
        right.plot(along.index, along["second"], **look)
    left.set(xlabel="distance from the curve", ylabel="cosine", ylim=(-1.05, 1.05))
    for name in NULLS:
        rows = profiles[(profiles["field"] == name) & (profiles["profile"] == "tangent")]
        for column in ("eigenvalue", "second"):
            right.plot(rows["t"], rows[column], **MODELS[name] | {"marker": "", "zorder": 1})
    style.mark_bounds(right, -0.1, 0.1, 0.9, 1.1)
    left.set_title("r(x) − x against the way to the curve\n(thin: 5 % of points)", fontsize=7)
    middle.set_title("leading eigenvector of dr/dx\nagainst the tangent", fontsize=7)
    right.set(xlabel="t along the curve", ylabel="eigenvalue")
    right.set_title("eigenvalues of dr/dx\non the curve", fontsize=7)
    figure.supxlabel(f"every panel: σ = {arrays['sigma']:g}", fontsize=7)
    style.common_legend(figure, 4)
    style.save(figure, outputs)
