"""Train one image model."""

from job import logged, reporter

with logged(snakemake):
    from pathlib import Path

    import pandas as pd
    import torch

    from autoscore.files.storage import fingerprint, read_arrays, write_atomically, write_table
    from autoscore.images.data import restored
    from autoscore.images.symmetry import PARTS, symmetry_rows
    from autoscore.images.train import train_images
    from autoscore.numerics.devices import device_of
    from autoscore.train.rounding import move_weights
    from autoscore.train.setups import trace_rows

    torch.set_num_threads(snakemake.threads)
    name, asked, outputs = snakemake.wildcards.image_model, snakemake.params, snakemake.output
    # resume a stopped job only if nothing that it depends on has changed
    mark = fingerprint([asked.settings, asked.seed, asked.code], snakemake.input)
    unfinished = Path(outputs.weights).with_name(f"{name}.{mark}.unfinished.npz")
    images = restored(read_arrays(snakemake.input.images))
    streams = (asked.seed, "images", name)
    stack, trace = train_images(
        images,
        asked.settings,
        streams,
        device_of(asked.device),
        reporter(f"train images {name}"),
        unfinished,
    )
    move_weights(stack, asked.get("rounding"), *streams)
    write_atomically(outputs.weights, stack.save)
    columns = ["step", "sigma", "seed", "n", "loss"]
    losses = pd.DataFrame(trace_rows(stack, trace), columns=columns)
    write_table(outputs.trace, losses.assign(dataset=images.name))
    columns = ["step", "sigma", "n", *(f"{part}{end}" for part in PARTS for end in ("", "_error"))]
    followed = pd.DataFrame(symmetry_rows(stack, trace), columns=columns)
    write_table(outputs.symmetry, followed.assign(model=name, dataset=images.name))
    for left in unfinished.parent.glob(f"{name}.*.unfinished.npz"):
        left.unlink()
