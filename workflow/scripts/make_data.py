"""Draw or split the samples of one density."""

from job import logged

with logged(snakemake):
    from autoscore.data import make_data
    from autoscore.storage import write_arrays

    arrays = make_data(snakemake.params.seed, snakemake.wildcards.density, snakemake.params.entry)
    write_arrays(snakemake.output[0], arrays)
