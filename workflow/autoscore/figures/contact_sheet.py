"""All of the paper's figures on one sheet."""

from collections.abc import Mapping
from textwrap import wrap

import numpy as np

from autoscore.figures import style

COLUMNS, WIDTH, LETTERS = 2, 4.8, 84  # width of a picture in inches, and of its words in letters
WORDS, GAP = 0.6, 0.15  # inches: height of the words, and what is left free around a picture


@style.applied()
def assemble(pictures: Mapping[str, str], words: Mapping[str, str], path: str) -> None:
    """Write a sheet with a panel per figure of `words`, which has their captions by name.

    `pictures` are the PNG files of those that this run has; a panel without one stays empty. Each
    figure stands in the column that is shorter so far.
    """
    from PIL import Image

    loaded = {name: np.asarray(Image.open(file).convert("RGB")) for name, file in pictures.items()}
    heights = {
        name: loaded[name].shape[0] / loaded[name].shape[1] * WIDTH if name in loaded else GAP
        for name in words
    }
    ends, places = [0.0] * COLUMNS, {}
    for name, height in heights.items():
        column = int(np.argmin(ends))
        ends[column] += WORDS + height + GAP
        places[name] = (column, ends[column] - GAP)
    width, depth = COLUMNS * WIDTH, max(ends)
    figure = style.subplots(figsize=(width, depth), layout="none")[0]
    figure.clear()
    for name, (column, bottom) in places.items():
        corner = (column * WIDTH + GAP / 2) / width, 1.0 - bottom / depth
        axis = figure.add_axes((*corner, (WIDTH - GAP) / width, heights[name] / depth))
        axis.set_axis_off()
        said = f"{name.replace('_', ' ').capitalize()}: {words[name]}"
        axis.set_title("\n".join(wrap(said, LETTERS)), loc="left")
        if name in loaded:
            axis.imshow(loaded[name], interpolation="antialiased")
            axis.set_anchor("N")
    style.save(figure, {"png": path})
