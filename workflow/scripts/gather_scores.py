"""Put the error tables together, and fit the orders of convergence."""

from job import logged

with logged(snakemake):
    import pandas as pd

    from autoscore.grids import noise_levels
    from autoscore.optimum.order import order_table
    from autoscore.storage import read_tables, write_table

    asked = zip(
        snakemake.params.densities, snakemake.params.windows, snakemake.input.bias, strict=True
    )
    orders = [
        order_table(pd.read_csv(file), noise_levels(window)).assign(density=density)
        for density, window, file in asked
    ]
    write_table(snakemake.output.errors, read_tables(snakemake.input.errors))
    write_table(snakemake.output.choices, read_tables(snakemake.input.choices))
    order = pd.concat(orders, ignore_index=True) if orders else pd.DataFrame()
    write_table(snakemake.output.order, order)
