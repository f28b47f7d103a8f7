"""p, log p and the score of a one-dimensional density."""

import numpy as np

from autoscore.figures.declaration import LINE, Figure, Listed
from autoscore.figures.style import COLUMN, TRUTH, save, subplots
from autoscore.files.storage import read_arrays

VISIBLE = 5.0  # nats below the maximum of log p that are still shown

FIGURE = Figure(
    section=LINE,
    shows=(),
    caption="p, log p = -E - log Z and the score of the authors' energy: two modes, one shoulder",
    scope=Listed((1,)),
    reads={"curves": "results/optimum/{density}.npz"},
)


def visible(curves: dict[str, np.ndarray]) -> np.ndarray:
    """Return which grid points have enough mass to be worth showing."""
    return curves["log_prob"] > curves["log_prob"].max() - VISIBLE


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the three curves above one another."""
    curves = read_arrays(inputs["curves"])
    shown = visible(curves)
    x, log_prob = curves["x"][shown], curves["log_prob"][shown]
    figure, axes = subplots(3, 1, sharex=True, figsize=(COLUMN, 4.0))
    rows = [
        (np.exp(log_prob), "$p(x)$"),
        (log_prob, r"$\log p = -E - \log Z$"),
        (curves["score"][shown], r"score $\mathrm{d}\log p/\mathrm{d}x$"),
    ]
    for axis, (values, label) in zip(axes, rows, strict=True):
        axis.plot(x, values, **TRUTH)
        axis.set_ylabel(label)
    axes[2].axhline(0.0, color="0.6", linewidth=0.6)
    axes[2].set_xlabel("$x$")
    figure.align_ylabels()
    save(figure, outputs)
