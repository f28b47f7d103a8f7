"""Draw images from one model and measure them."""

from job import logged, reporter

with logged(snakemake):
    import pandas as pd
    import torch

    from autoscore.files.storage import read_arrays, write_arrays, write_table
    from autoscore.images.data import restored
    from autoscore.images.quality import Quality
    from autoscore.images.sample import draw_all, drawn_row, shown_arrays
    from autoscore.models.registry import load_stack
    from autoscore.numerics.devices import device_of

    torch.set_num_threads(snakemake.threads)
    name, asked = snakemake.wildcards.image_model, snakemake.params
    images = restored(read_arrays(snakemake.input.images))
    quality = Quality.restored(images, read_arrays(snakemake.input.classifier))
    stack = load_stack(snakemake.input.learned).to(device_of(asked.device))
    rows, shown = [], {}
    report = reporter(f"sample images {name}")
    for drawn in draw_all(images, name, stack, asked.settings, asked.seed, report):
        rows.append(drawn_row(drawn, quality))
        shown |= shown_arrays(drawn, quality)
    write_table(snakemake.output.table, pd.DataFrame(rows).assign(dataset=images.name))
    write_arrays(snakemake.output.shown, shown)
