"""Train the image classifier and measure real images as if they were samples."""

from job import logged

with logged(snakemake):
    import pandas as pd

    from autoscore.files.storage import read_arrays, write_arrays, write_table
    from autoscore.images.data import restored
    from autoscore.images.quality import Quality

    asked = snakemake.params
    images = restored(read_arrays(snakemake.input.images))
    quality = Quality.of(images, asked.seed, asked.held_out, asked.get("rounding"))
    print(f"the classifier labels {quality.accuracy:.1%} of held-out images correctly")
    write_arrays(snakemake.output.classifier, quality.arrays())
    references = pd.DataFrame(quality.reference_rows())
    write_table(snakemake.output.references, references.assign(dataset=quality.images.name))
