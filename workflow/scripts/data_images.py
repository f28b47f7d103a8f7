"""Get the images from a folder, a download or scikit-learn, and record which."""

from job import logged, reporter

with logged(snakemake):
    import pandas as pd

    from autoscore.files.storage import write_arrays, write_table
    from autoscore.images.data import provenance, stored
    from autoscore.images.sources import acquire, cache_folder

    settings = snakemake.params.settings
    arrays = stored(acquire(settings, cache_folder(), report=reporter("data_images")))
    write_arrays(snakemake.output.images, arrays)
    write_table(snakemake.output.provenance, pd.DataFrame([provenance(arrays)]))
