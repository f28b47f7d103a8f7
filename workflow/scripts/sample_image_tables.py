"""Join the tables of drawn images with references: real images and published values."""

from job import logged

with logged(snakemake):
    from autoscore.files.storage import read_tables, write_table

    files = [*snakemake.input.tables, snakemake.input.references]
    write_table(snakemake.output.table, read_tables(files))
