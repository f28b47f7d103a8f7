"""Error of the exact optima against the noise level, with its order and its leading term."""

import numpy as np
import pandas as pd

from autoscore.figures.declaration import LINE, Figure, Listed, density_name
from autoscore.figures.style import BEST, COLUMN, NAMES, SIGMA, drawable, save, subplots, title

FIGURE = Figure(
    section=LINE,
    shows=("C1",),
    caption="both errors fall as sigma^2, on their exact leading terms in the grey window",
    scope=Listed((1,)),
    reads={
        "bias": "results/optimum/{density}.csv",
        "order": "results/optimum/{density}_order.csv",
    },
    settings=density_name,
    findings=(
        "{% for row in orders if row.density == density %}"
        "Order of the {{ row.objective | upper }}, fitted at sigma from {{ row.low | short }} to "
        "{{ row.high | short }}: {{ row.order | short }}. {% endfor %}"
    ),
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw root mean square errors, log-log."""
    bias = pd.read_csv(inputs["bias"])
    orders = pd.read_csv(inputs["order"]).set_index("objective")
    figure, axis = subplots(figsize=(COLUMN, 3.0))
    axis.set(xscale="log", yscale="log", xlabel=SIGMA)
    axis.axvspan(orders["low"].min(), orders["high"].max(), color="0.92", label="window of the fit")
    for objective, look in BEST.items():
        part = bias[bias["objective"] == objective]
        label = f"best {NAMES[objective]}, order {orders.loc[objective, 'order']:.2f}"
        axis.plot(part["sigma"], drawable(np.sqrt(part["relative_error"])), label=label, **look)
        leading = np.sqrt(part["predicted"])
        small = leading < 1.0
        look = look | {"linestyle": ":", "linewidth": 2.4, "alpha": 0.6}
        look["label"] = f"its leading term ({NAMES[objective]})"
        axis.plot(part["sigma"][small], drawable(leading[small]), **look)
    sigma = np.array([orders["low"].min(), 4 * orders["low"].min()])
    start = 3.0 * np.sqrt(bias["relative_error"].min())
    if start > 0:
        axis.plot(sigma, start * (sigma / sigma[0]) ** 2, color="0.4", linewidth=0.9)
        shift = {"xytext": (-20, 2), "textcoords": "offset points"}
        axis.annotate(r"$\propto\sigma^2$", (sigma[1], start * 16), **shift)
    axis.set_ylabel("relative error of the score (RMS)")
    axis.set_title(title(settings["density"]))
    axis.legend(loc="lower right")
    save(figure, outputs)
