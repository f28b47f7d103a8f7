"""Measure the shape of the fields learned on one density."""

from job import logged

with logged(snakemake):
    import torch

    from autoscore.data import target
    from autoscore.densities.samples import Units
    from autoscore.files.storage import read_arrays, write_arrays, write_table
    from autoscore.geometry.stage import measure
    from autoscore.models.registry import load_stacks

    torch.set_num_threads(snakemake.threads)
    name, asked = snakemake.wildcards.density, snakemake.params
    data = read_arrays(snakemake.input.data)
    density = target(asked.entry, data)
    learned = load_stacks(asked.trainings, snakemake.input.learned)
    streams = (asked.seed, "geometry", name)
    arrays, tables = measure(density, learned, data, asked.settings, streams, Units.stored(data))
    write_arrays(snakemake.output.arrays, arrays)
    for table, values in tables.items():
        write_table(snakemake.output[table], values)
