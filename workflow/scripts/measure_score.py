"""Hold everything that was trained on one density against the truth."""

from job import logged

with logged(snakemake.log[0]):
    import numpy as np
    import torch

    from autoscore.autoencoders.conditioned import Conditioned
    from autoscore.autoencoders.ensemble import Ensemble
    from autoscore.data import target
    from autoscore.optimum.curves import curve_grid
    from autoscore.randomness import generator
    from autoscore.score import displacement_curves, fixed_point_table, measure
    from autoscore.storage import read_arrays, write_arrays, write_table

    torch.set_num_threads(snakemake.threads)
    name, settings = snakemake.wildcards.density, snakemake.params.settings
    data = read_arrays(snakemake.input.data)
    density = target(snakemake.params.entry, data)
    kinds = {"ensemble": Ensemble, "conditioned": Conditioned}
    learned = {
        tuple(training): kinds[training[1]].load(weights)
        for training, weights in zip(
            snakemake.params.trainings, snakemake.input.learned, strict=True
        )
    }
    noise = generator(snakemake.params.seed, "score", name)
    write_table(snakemake.output.errors, measure(name, settings, data, density, learned, noise))
    x = curve_grid(density, snakemake.params.points) if density.dim == 1 else np.empty(0)
    curves = displacement_curves(density, learned, settings, x)
    write_arrays(snakemake.output.curves, curves)
    write_table(snakemake.output.fixed_points, fixed_point_table(curves))
