"""What all figures of images share: sheets of them, and a title that says which they are."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from autoscore.figures.style import BEST, MODELS, Axes, Picture
from autoscore.plan import drawn_image_models
from autoscore.files.storage import read_arrays

LOOKS = {
    "untied": BEST["dae"] | {"marker": "o", "label": "separate, untied"},
    "tied": BEST["rcae"] | {"marker": "s", "label": "separate, tied"},
    "untied_from_random": {"color": "#009E73", "linestyle": ":", "marker": "^"}
    | {"label": "untied, random start"},
    "conditioned": {"color": "#CC79A7", "linestyle": "-", "marker": "D", "label": "conditioned"},
    "identity": {"color": "0.7", "linestyle": ":", "marker": "", "label": "identity"},
    "linear": {"color": "black", "linestyle": "-", "marker": "", "label": "linear optimum"},
    "empirical": MODELS["kde"] | {"label": "empirical optimum"},
}


def look(model: str) -> dict:
    """Return how a model is drawn; those that a user adds are grey."""
    return LOOKS.get(model, {"color": "0.4", "marker": ".", "label": model.replace("_", " ")})


def name_images(figure: Picture, provenance: str, text: str) -> None:
    """Put a title above a figure that ends in what the images are, from their table."""
    name = pd.read_csv(provenance)["name"].iloc[0]
    figure.suptitle(f"{text}: {name}", fontsize=8)


class Run(NamedTuple):
    """What a sampler drew, as it is stored.

    Attributes
    ----------
    row
        Its row of the table.
    samples, nearest
        Images, and the training image nearest to each, both ``(n, d)``.
    consecutive
        The first steps of some chains, ``(chains, steps, d)``, None where there are no chains.
    """

    row: tuple
    samples: np.ndarray
    nearest: np.ndarray
    consecutive: np.ndarray | None


def drawn_arrays(config: Mapping) -> dict[str, str]:
    """Return the results that figures of drawn images read, by name."""
    arrays = {
        model: f"results/sample/images/{model}.npz" for model in drawn_image_models(config)
    }
    return arrays | {"table": "results/sample/images.csv", "provenance": "results/data/images.csv"}


def drawn_runs(inputs: dict[str, str], models: list[str]) -> Iterator[Run]:
    """Yield what every sampler of these models drew, from the ``table`` and their arrays."""
    table = pd.read_csv(inputs["table"])
    for model in models:
        arrays = read_arrays(inputs[model])
        for row in table[table["model"] == model].itertuples():
            name = f"{row.model}-{row.sampler}-{row.start}"
            yield Run(
                row, arrays[name], arrays[f"{name}-nearest"], arrays.get(f"{name}-consecutive")
            )


def sheet(pictures: np.ndarray, columns: int, shape: tuple[int, int]) -> np.ndarray:
    """Return images ``(n, d)`` side by side as one picture, rows of `columns`, with thin gaps."""
    height, width = shape
    rows = -(-len(pictures) // columns)
    whole = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for k, picture in enumerate(pictures.reshape(-1, height, width)):
        top, left = (k // columns) * (height + 1), (k % columns) * (width + 1)
        whole[top : top + height, left : left + width] = picture
    return whole


def show_sheet(axis: Axes, picture: np.ndarray, signed: bool = False) -> None:
    """Draw a sheet: black on white, or about 0 from blue to red; gaps are light grey."""
    from matplotlib import colormaps

    colours = colormaps["RdBu_r" if signed else "gray_r"].with_extremes(bad="0.85")
    reach = np.nanmax(np.abs(picture)) if signed else 1.0
    limits = {"vmin": -reach if signed else 0.0, "vmax": reach}
    axis.imshow(picture, cmap=colours, interpolation="nearest", **limits)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def shape_of(pictures: np.ndarray) -> tuple[int, int]:
    """Return height and width of square images, ``(..., d)``."""
    side = round(pictures.shape[-1] ** 0.5)
    return side, side
