"""The paper's figure 6: data and samples in ten dimensions, in pairs of coordinates."""

from collections.abc import Mapping

import numpy as np

from autoscore.figures.declaration import PAPER, RUNS, Figure, OfPaper
from autoscore.figures.runs import drawn_runs, few
from autoscore.figures.style import PAGE, save, subplots

DENSITY = "curve_mixture_10"
BEST = "generative"  # the plan of our best
SHOWN = 500  # points per panel, as in the authors' repository
ROWS = 5
DOTS = {"markersize": 1.4, "markeredgewidth": 0, "rasterized": True}


def _of(config: Mapping) -> list[str]:
    sample = config["densities"].get(DENSITY, {}).get("sample")
    shown = sample and sample["metropolis"]["models"] and BEST in sample["plans"]
    return [DENSITY] if shown else []


def _settings(config: Mapping, density: str) -> dict:
    asked = config["densities"][DENSITY]["sample"]["metropolis"]
    return {"model": asked["models"][0], "pair": asked["pairs"][0]}


FIGURE = Figure(
    section=PAPER,
    shows=("C7",),
    paper="ten pairs of coordinates, (x0, x1) to (x8, x9) and (x9, x0), of a density around a "
    "curve in ten dimensions: data on the left, on the right samples of Metropolis-Hastings with "
    "an isotropic proposal, driven by a denoising auto-encoder (sigma .1 for both)",
    caption="the middle block follows the curve where noise of sigma .1 does not fill it: the "
    "chains sample p_sigma, which is three times as thick as the data, and a better field of this "
    "sigma would not change that. Left: data. Middle: Metropolis-Hastings from a one-layer "
    "auto-encoder "
    "of the paper's kind. Right: adjusted Langevin from one auto-encoder for all noise levels, "
    "after its flow from noise. 500 points each",
    deviations=(
        "the curve is our own draw of the authors' recipe: theirs was never published",
        "the model has 64 units, linear output, and Adam with fresh noise at one level each; the "
        "authors' repository tries 64 to 256 units, trained by L-BFGS down a sequence of levels",
        "ten chains of 11,000 steps begin at the origin, with the authors' thinning by 100 and "
        "burn-in of 5,000 steps; theirs is one chain of 55,000 (the repository; the paper's own "
        "number is not known to us)",
        "energy differences take the field in the middle of the segment, for 20 even points: "
        "rule_error in results/sample/curve_mixture_10_metropolis.csv is what that adds",
        "the third block is ours",
    ),
    scope=OfPaper(_of),
    reads={name: file.format(density=DENSITY) for name, file in RUNS.items()},
    settings=_settings,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw ten pairs of coordinates in three blocks of two columns each."""
    arrays, runs = drawn_runs(inputs, BEST)
    sigma, step = settings["pair"]
    blocks = {
        "data": (arrays["reference"], "black"),
        f"Metropolis-Hastings, $\\sigma$ = {sigma:g}": (
            arrays[f"metropolis-{settings['model']}-{sigma:g}-{step:g}"],
            "#D55E00",
        ),
        "ours: one auto-encoder for all levels": (arrays[runs.iloc[0]["chains"]], "#0072B2"),
    }
    dim = arrays["reference"].shape[1]
    figure, axes = subplots(ROWS, 6, figsize=(PAGE, 6.2))
    for block, (name, (draws, color)) in enumerate(blocks.items()):
        shown = few(draws.reshape(-1, dim), SHOWN)
        for k in range(dim):
            axis = axes[k % ROWS, 2 * block + k // ROWS]
            other = (k + 1) % dim
            axis.plot(shown[:, k], shown[:, other], ".", color=color, **DOTS)
            axis.set(xticks=[], yticks=[], **_limits(arrays["reference"], k, other))
            axis.set_xlabel(f"$x_{k}, x_{other}$", fontsize=6, labelpad=1)
        axes[0, 2 * block].set_title(name, fontsize=7, loc="left")
    save(figure, outputs)


def _limits(reference: np.ndarray, k: int, other: int) -> dict:
    """Return limits that all blocks share, with room for noise around the data."""
    low, high = reference.min(0) - 0.3, reference.max(0) + 0.3
    return {"xlim": (low[k], high[k]), "ylim": (low[other], high[other])}
