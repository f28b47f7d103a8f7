"""Both losses of the same reconstruction, and how they part at large noise (P1)."""

import numpy as np
import pandas as pd

from autoscore.figures.declaration import LINE, Figure, Listed, density_name
from autoscore.figures.style import BEST, COLUMN, SIGMA, drawable, save, subplots, title

LOOKS = {
    ("dae", "exact"): BEST["dae"] | {"label": "best DAE"},
    ("rcae", "exact"): BEST["rcae"] | {"label": "best RCAE"},
    ("dae", "fixed"): {"color": "0.5", "linestyle": ":", "label": "one r at all levels"},
}

FIGURE = Figure(
    section=LINE,
    shows=("P1",),
    caption="the two losses part as sigma^2 only if r does not follow sigma, else far faster. "
    "Dotted, as a counter-example: the best r of the largest sigma, kept at all levels. Checks "
    "bound orders, the slopes of these lines, so that there is no bound to draw",
    scope=Listed((1,)),
    reads={"losses": "results/geometry/{density}_losses.csv"},
    settings=density_name,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw |L_DAE - L_RCAE| / sigma^2 over sigma, for reconstructions that follow sigma or not."""
    table = pd.read_csv(inputs["losses"]).sort_values("sigma")
    table["gap"] = table["difference"].abs() / table["sigma"] ** 2
    figure, axis = subplots(figsize=(COLUMN, 2.6))
    axis.set(xscale="log", yscale="log", xlabel=SIGMA)
    for (objective, model), look in LOOKS.items():
        rows = table[(table["objective"] == objective) & (table["model"] == model)]
        axis.plot(rows["sigma"], drawable(rows["gap"]), **look)
    axis.set_ylabel(r"$|L_{DAE} - L_{RCAE}|\,/\,\sigma^2$")
    shown = table["gap"][table["model"].isin({model for _, model in LOOKS})]
    axis.set_ylim(bottom=np.fmax(1e-12, shown.min()))
    axis.set_title(title(settings["density"]))
    axis.legend()
    save(figure, outputs)
