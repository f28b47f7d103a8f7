"""Consecutive steps of chains, a row a chain."""


from autoscore.figures.sheets import drawn_arrays, drawn_runs, look, name_images, shape_of, sheet, show_sheet
from autoscore.figures.declaration import Figure, IMAGES, OfImages
from autoscore.figures.style import PAGE, save, subplots
from autoscore.samplers.registry import SAMPLERS
from autoscore.plan import drawn_image_models

CHAINS = 4  # a panel

FIGURE = Figure(
    section=IMAGES,
    shows=("C7",),
    caption="consecutive steps of chains at one noise level",
    scope=OfImages(drawn_image_models),
    reads=drawn_arrays,
    settings=lambda config, density: {"models": drawn_image_models(config)},
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the first steps of the first chains of every sampler that stays at one noise level.

    Parameters
    ----------
    inputs
        ``provenance``, ``table`` (what all samplers drew), and the arrays of each model.
    outputs
        Files to write.
    settings
        ``models``: the names of these.
    """
    runs = [
        (run.row, run.consecutive[:CHAINS])
        for run in drawn_runs(inputs, settings["models"])
        if run.consecutive is not None
    ]
    rows = max(1, -(-len(runs) // 2))
    figure, axes = subplots(
        rows, 2, figsize=(PAGE, 0.95 * rows + 0.4), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(runs) :]:
        axis.set_visible(False)
    for axis, (row, pictures) in zip(axes.T.flat, runs, strict=False):
        steps = pictures.shape[1]
        show_sheet(axis, sheet(pictures.reshape(-1, pictures.shape[-1]), steps, shape_of(pictures)))
        sampler = SAMPLERS[row.sampler].label
        axis.set_title(
            f"{look(row.model)['label']}: {sampler}, from {row.start}, σ = {row.sigma:g}",
            fontsize=6,
        )
    name_images(figure, inputs["provenance"], "Consecutive steps of chains, left to right")
    save(figure, outputs)
