"""Independent samples of every way down the noise grid, and the training images nearest to them."""

import numpy as np

from autoscore.figures.sheets import drawn_arrays, drawn_runs, look, name_images, shape_of, sheet, show_sheet
from autoscore.figures.declaration import Figure, IMAGES, OfImages
from autoscore.figures.style import PAGE, save, subplots
from autoscore.samplers.registry import SAMPLERS
from autoscore.plan import drawn_image_models

SIDE = 10  # samples a row and column
COLUMNS = 4

FIGURE = Figure(
    section=IMAGES,
    shows=("C7",),
    caption="independent samples, and the training images nearest to them",
    scope=OfImages(drawn_image_models),
    reads=drawn_arrays,
    settings=lambda config, density: {"models": drawn_image_models(config)},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw samples of the annealed sampler and of the flow of each model, a panel a run.

    Parameters
    ----------
    inputs
        ``provenance``, ``table`` (what all samplers drew), and the arrays of each model.
    outputs
        Files to write.
    settings
        ``models``: the names of these.
    """
    runs = [run for run in drawn_runs(inputs, settings["models"]) if run.consecutive is None]
    panels = []
    for row, drawn, *_ in runs:
        text = f"{look(row.model)['label']}: {SAMPLERS[row.sampler].label}"
        panels.append((f"{text}\nParzen {row.parzen:.0f} nats, n = {row.n:.0f}", drawn))
    last = runs[-1].samples, runs[-1].nearest
    samples, nearest = (part[: SIDE * SIDE // 2] for part in last)
    # a row of samples, and below each the training image that is nearest to it
    pairs = np.stack(
        [samples.reshape(-1, SIDE, samples.shape[1]), nearest.reshape(-1, SIDE, samples.shape[1])],
        1,
    )
    panels.append(
        (
            "the last ones, and below each\nthe nearest training image",
            pairs.reshape(-1, samples.shape[1]),
        )
    )
    rows = -(-len(panels) // COLUMNS)
    figure, axes = subplots(
        rows, COLUMNS, figsize=(PAGE, 2.0 * rows + 0.3), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (text, pictures) in zip(axes.flat, panels, strict=False):
        show_sheet(axis, sheet(pictures[: SIDE * SIDE], SIDE, shape_of(pictures)))
        axis.set_title(text, fontsize=6)
    name_images(figure, inputs["provenance"], "Independent samples")
    save(figure, outputs)
