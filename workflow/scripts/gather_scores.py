"""Put the error tables together, and fit the orders of convergence."""

from job import logged

with logged(snakemake.log[0]):
    import pandas as pd

    from autoscore.grids import noise_levels
    from autoscore.optimum.order import order_table
    from autoscore.storage import read_tables, write_table

    window = noise_levels(snakemake.params.window)
    orders = [
        order_table(pd.read_csv(file), window).assign(density=density)
        for density, file in zip(snakemake.params.densities, snakemake.input.bias, strict=True)
    ]
    write_table(snakemake.output.errors, read_tables(snakemake.input.errors))
    write_table(snakemake.output.order, pd.concat(orders, ignore_index=True))
