"""Get the images from a folder, a download or scikit-learn, and record which."""

from job import logged, reporter

with logged(snakemake):
    import pandas as pd

    from autoscore.files.storage import write_arrays, write_table
    from autoscore.images.data import stored
    from autoscore.images.sources import acquire, cache_folder

    settings = snakemake.params.settings
    found = acquire(settings, cache_folder(), reporter("data_images"))
    write_arrays(snakemake.output.images, stored(found))
    write_table(snakemake.output.provenance, pd.DataFrame([found.provenance]))
