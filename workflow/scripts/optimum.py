"""Solve both exact optima of one density, and measure their bias and its order."""

from job import logged

with logged(snakemake):
    from autoscore.data import target
    from autoscore.files.storage import read_arrays, write_arrays, write_table
    from autoscore.optimum.stage import solve

    asked = snakemake.params
    density = target(asked.entry, read_arrays(snakemake.input.data))
    curves, bias, order, losses = solve(density, asked.settings, asked.levels, asked.window)
    write_arrays(snakemake.output.curves, curves)
    write_table(snakemake.output.bias, bias)
    write_table(snakemake.output.order, order.assign(density=snakemake.wildcards.density))
    write_table(snakemake.output.losses, losses)
