"""Independent samples of every descent of the noise grid, and their nearest training images."""

import numpy as np

from autoscore.figures.declaration import IMAGES, Figure, OfImages
from autoscore.figures.sheets import ONCE, drawn_arrays, drawn_runs, look, name_images, show_sheet
from autoscore.figures.style import PAGE, save, subplots
from autoscore.plan import drawn_image_models
from autoscore.samplers.registry import SAMPLERS

SIDE = 10  # samples per row and column
COLUMNS = 4

FIGURE = Figure(
    section=IMAGES,
    shows=("C7",),
    caption="independent samples, beside those of random units, a null model, and the training "
    "images nearest to them" + ONCE,
    scope=OfImages(drawn_image_models),
    reads=drawn_arrays,
    settings=lambda config, density: {"models": drawn_image_models(config)},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw samples by annealed Langevin and by the flow of each model, one panel per run."""
    runs = [run for run in drawn_runs(inputs, settings["models"]) if run.consecutive is None]
    panels = []
    for row, drawn, *_ in runs:
        text = f"{look(row.model)['label']}:\n{SAMPLERS[row.sampler].label}"
        parzen = f"{row.parzen:.0f}".replace("-", "\N{MINUS SIGN}")
        panels.append((f"{text}\nParzen {parzen} nats, n = {row.n:.0f}", drawn))
    last = runs[-1].samples, runs[-1].nearest
    # rows of samples alternate with rows of the training images nearest to them
    halves = [part[: SIDE * SIDE // 2].reshape(-1, SIDE, part.shape[1]) for part in last]
    pairs = np.stack(halves, axis=1).reshape(-1, last[0].shape[1])
    panels.append((f"{text}, and below\neach the nearest training image", pairs))
    rows = -(-len(panels) // COLUMNS)
    size = (PAGE, 2.0 * rows + 0.3)
    figure, axes = subplots(rows, COLUMNS, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (text, pictures) in zip(axes.flat, panels, strict=False):
        show_sheet(axis, pictures[: SIDE * SIDE], SIDE)
        axis.set_title(text, fontsize=6)
    name_images(figure, inputs["provenance"], "Independent samples")
    save(figure, outputs)
