"""Put what was drawn beside real images and published values."""

from job import logged

with logged(snakemake):
    from autoscore.storage import read_tables, write_table

    files = [*snakemake.input.tables, snakemake.input.references]
    write_table(snakemake.output[0], read_tables(files))
