"""Join the tables of all densities: errors, choices of levels, orders of convergence."""

from job import logged

with logged(snakemake):
    from autoscore.files.storage import read_tables, write_table
    from autoscore.optimum.bias import ORDER

    for table, files in snakemake.input.items():
        # perhaps no density has an order
        write_table(snakemake.output[table], read_tables(files, [*ORDER, "density"]))
