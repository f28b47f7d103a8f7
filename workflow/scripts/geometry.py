"""Measure the shape of the fields learned on one density."""

from job import logged

with logged(snakemake):
    import torch

    from autoscore.data import target
    from autoscore.densities.samples import Units
    from autoscore.files.storage import read_arrays, write_arrays, write_table
    from autoscore.geometry.stage import measure
    from autoscore.models.registry import load_stacks
    from autoscore.numerics.streams import generator

    torch.set_num_threads(snakemake.threads)
    name, asked = snakemake.wildcards.density, snakemake.params
    data = read_arrays(snakemake.input.data)
    density = target(asked.entry, data)
    learned = load_stacks(asked.trainings, snakemake.input.learned)
    rng = generator(asked.seed, "geometry", name)
    units = Units.stored(data)
    arrays, tables = measure(density, learned, data["held_out"], asked.settings, rng, units)
    write_arrays(snakemake.output.arrays, arrays)
    for table, values in tables.items():
        write_table(snakemake.output[table], values)
