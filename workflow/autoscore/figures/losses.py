"""Both losses of the same reconstruction, and how they part at large noise (P1)."""

import numpy as np
import pandas as pd

from autoscore.figures.declaration import Figure, LINE, Listed, its_name
from autoscore.figures.style import BEST, COLUMN, drawable, save, subplots, title

LOOKS = {
    ("dae", "exact"): BEST["dae"] | {"label": "best DAE"},
    ("rcae", "exact"): BEST["rcae"] | {"label": "best RCAE"},
    ("dae", "fixed"): {"color": "0.5", "linestyle": ":", "label": "one r at all levels"},
}

FIGURE = Figure(
    section=LINE,
    shows=("P1",),
    caption=(
        "the two losses part far faster than sigma^2 if r follows sigma, and as sigma^2 if it "
        "does not"
    ),
    scope=Listed((1,)),
    reads={"losses": "results/geometry/{density}_losses.csv"},
    settings=its_name,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw |L_DAE - L_RCAE| / sigma^2 over sigma, for reconstructions that follow sigma or do not.

    Parameters
    ----------
    inputs
        ``losses``: what `autoscore.geometry.line.loss_table` returned.
    outputs
        Files to write.
    settings
        ``density``, for the title.
    """
    table = pd.read_csv(inputs["losses"])
    figure, axis = subplots(figsize=(COLUMN, 2.6))
    axis.set(xscale="log", yscale="log", xlabel=r"noise level $\sigma$")
    for (objective, model), look in LOOKS.items():
        some = table[(table["objective"] == objective) & (table["model"] == model)]
        some = some.sort_values("sigma")
        axis.plot(some["sigma"], drawable(some["difference"].abs() / some["sigma"] ** 2), **look)
    axis.set_ylabel(r"$|L_{DAE} - L_{RCAE}|\,/\,\sigma^2$")
    least = (table["difference"].abs() / table["sigma"] ** 2).min()
    axis.set_ylim(bottom=np.fmax(1e-12, least))
    axis.set_title(title(settings["density"]))
    axis.legend()
    save(figure, outputs)
