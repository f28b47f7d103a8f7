"""Consecutive steps of chains, one row per chain."""

from autoscore.figures.declaration import IMAGES, Figure, OfImages
from autoscore.figures.sheets import ONCE, drawn_arrays, drawn_runs, look, name_images, show_sheet
from autoscore.figures.style import PAGE, save, subplots
from autoscore.plan import drawn_image_models
from autoscore.samplers.registry import SAMPLERS

CHAINS = 4  # per panel

FIGURE = Figure(
    section=IMAGES,
    shows=("C7",),
    caption="consecutive steps of chains at one noise level, beside those of random units, a "
    "null model" + ONCE,
    scope=OfImages(drawn_image_models),
    reads=drawn_arrays,
    settings=lambda config, density: {"models": drawn_image_models(config)},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the first steps of the first chains of every sampler that stays at one noise level."""
    runs = [
        (run.row, run.consecutive[:CHAINS])
        for run in drawn_runs(inputs, settings["models"])
        if run.consecutive is not None
    ]
    rows = max(1, -(-len(runs) // 2))
    size = (PAGE, 0.95 * rows + 0.4)
    figure, axes = subplots(rows, 2, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat[len(runs) :]:
        axis.set_visible(False)
    for axis, (row, pictures) in zip(axes.T.flat, runs, strict=False):
        show_sheet(axis, pictures, pictures.shape[1])
        run = f"{look(row.model)['label']}: {SAMPLERS[row.sampler].label}, from {row.start}"
        axis.set_title(f"{run}, σ = {row.sigma:g}", fontsize=6)
    name_images(figure, inputs["provenance"], "Consecutive steps of chains, left to right")
    save(figure, outputs)
