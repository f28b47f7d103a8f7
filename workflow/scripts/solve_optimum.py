"""Solve both exact optima of one one-dimensional density, and measure their bias."""

from job import logged

with logged(snakemake.log[0]):
    import numpy as np
    import pandas as pd

    from autoscore.data import target
    from autoscore.grids import noise_levels
    from autoscore.optimum.bias import bias_table
    from autoscore.optimum.curves import optimum_curves
    from autoscore.storage import read_arrays, write_arrays, write_table

    settings = snakemake.params.settings
    density = target(snakemake.params.entry, read_arrays(snakemake.input.data))
    sigmas = noise_levels(settings["sigmas"])
    curves = optimum_curves(density, sigmas, settings["points"], settings["solver_points"])
    bias = pd.DataFrame()
    if snakemake.params.entry["kind"] != "samples":
        everywhere = np.union1d(sigmas, noise_levels(settings["order_sigmas"]))
        bias = bias_table(density, everywhere, settings["solver_points"])
    write_arrays(snakemake.output.curves, curves)
    write_table(snakemake.output.bias, bias)
