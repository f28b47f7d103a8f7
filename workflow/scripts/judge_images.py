"""Train the classifier of the images, and measure real images as if they were samples."""

from job import logged

with logged(snakemake):
    import pandas as pd

    from autoscore.images.data import restored
    from autoscore.images.quality import Judge
    from autoscore.storage import read_arrays, write_arrays, write_table

    asked = snakemake.params
    images = restored(read_arrays(snakemake.input.images))
    judge = Judge.of(images, asked.seed, asked.held_out, asked.get("rounding"))
    print(f"the classifier is right on {judge.accuracy:.1%} of held-out images")
    write_arrays(snakemake.output.judge, judge.arrays())
    references = pd.DataFrame(judge.reference_rows())
    write_table(snakemake.output.references, references.assign(dataset=judge.images.name))
