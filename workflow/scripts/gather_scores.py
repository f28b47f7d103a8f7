"""Put the tables of all densities together: errors, choices of levels, orders of convergence."""

from job import logged

with logged(snakemake):
    from autoscore.storage import read_tables, write_table

    for table, files in snakemake.input.items():
        write_table(snakemake.output[table], read_tables(files))
