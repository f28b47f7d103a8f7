"""All of the paper's figures on one sheet."""

from collections.abc import Mapping
from textwrap import wrap

import numpy as np

from autoscore.figures import style

COLUMNS, WIDTH, LETTERS = 2, 4.8, 84  # width of a picture in inches, and of its words in letters


def assemble(pictures: Mapping[str, str], words: Mapping[str, str], path: str) -> None:
    """Write a sheet with a panel per figure of `words`, which has their captions by name.

    `pictures` are the PNG files of those that this run has; a panel without one stays empty.
    """
    from PIL import Image

    loaded = {name: np.asarray(Image.open(file).convert("RGB")) for name, file in pictures.items()}
    names = list(words)
    rows = [names[k : k + COLUMNS] for k in range(0, len(names), COLUMNS)]
    shapes = {name: image.shape[0] / image.shape[1] for name, image in loaded.items()}
    heights = [max(shapes.get(name, 0.2) for name in row) * WIDTH + 0.6 for row in rows]
    options = {"squeeze": False, "height_ratios": heights}
    size = (COLUMNS * WIDTH, sum(heights))
    figure, axes = style.subplots(len(rows), COLUMNS, figsize=size, **options)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    for axis, name in zip(axes.flat, names, strict=False):
        said = f"{name.replace('_', ' ').capitalize()}: {words[name]}"
        axis.set_title("\n".join(wrap(said, LETTERS)), loc="left")
        if name in loaded:
            axis.imshow(loaded[name], interpolation="antialiased")
            axis.set_anchor("N")
    style.save(figure, {"png": path})
