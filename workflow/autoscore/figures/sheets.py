"""What all image figures share: sheets of images, and a title that names the collection."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from autoscore.figures.style import MODELS, Axes, Picture
from autoscore.files.storage import read_arrays
from autoscore.plan import drawn_image_models

ONCE = ". Every model was trained once"  # ends each caption
LOOKS = MODELS | {
    # the null model for images has random units, and the best linear decoder for them
    "untrained": MODELS["untrained"] | {"label": "random units, decoder fitted"},
    "untied": MODELS["separate"] | {"label": "separate, untied"},
    "tied": {"color": "#882255", "linestyle": "-.", "marker": "D", "label": "separate, tied"},
    "empirical": MODELS["training points"] | {"label": "empirical optimum"},
}


def look(model: str) -> dict:
    """Return the line style and label of a model; models that a user adds are grey."""
    return LOOKS.get(model, {"color": "0.4", "marker": ".", "label": model.replace("_", " ")})


def name_images(figure: Picture, provenance: str, text: str) -> None:
    """Put a title above a figure that ends in the name of the images, from their table."""
    name = pd.read_csv(provenance)["name"].iloc[0]
    figure.suptitle(f"{text}: {name}", fontsize=8)


class Run(NamedTuple):
    """What a sampler drew: its row of the table, and images ``(n, d)`` with their nearest ones.

    `consecutive` holds the first steps of some chains, ``(chains, steps, d)``, or None.
    """

    row: tuple
    samples: np.ndarray
    nearest: np.ndarray
    consecutive: np.ndarray | None


def drawn_arrays(config: Mapping) -> dict[str, str]:
    """Return the results that figures of drawn images read, by name."""
    arrays = {model: f"results/sample/images/{model}.npz" for model in drawn_image_models(config)}
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


def show_sheet(axis: Axes, pictures: np.ndarray, columns: int, signed: bool = False) -> None:
    """Draw square images ``(..., d)`` in rows of `columns`, with thin grey gaps.

    They are black on white or, if `signed`, blue below 0 and red above.
    """
    from matplotlib import colormaps

    side = round(pictures.shape[-1] ** 0.5)
    pictures = pictures.reshape(-1, side, side)
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (side + 1) - 1, columns * (side + 1) - 1), np.nan)
    for k, picture in enumerate(pictures):
        top, left = (k // columns) * (side + 1), (k % columns) * (side + 1)
        sheet[top : top + side, left : left + side] = picture
    colours = colormaps["RdBu_r" if signed else "gray_r"].with_extremes(bad="0.85")
    reach = np.nanmax(np.abs(sheet)) if signed else 1.0
    limits = {"vmin": -reach if signed else 0.0, "vmax": reach}
    axis.imshow(sheet, cmap=colours, interpolation="nearest", **limits)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
