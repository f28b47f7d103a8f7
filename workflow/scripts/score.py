"""Measure the score errors of everything trained on one density."""

from job import logged

with logged(snakemake):
    import pandas as pd
    import torch

    from autoscore.data import target
    from autoscore.files.storage import read_arrays, write_table
    from autoscore.models.registry import load_stacks
    from autoscore.score.stage import measure

    torch.set_num_threads(snakemake.threads)
    name, asked = snakemake.wildcards.density, snakemake.params
    data = read_arrays(snakemake.input.data)
    density = target(asked.entry, data)
    learned = load_stacks(asked.trainings, snakemake.input.learned)
    solved = None
    if snakemake.input.solved:
        curves, bias = snakemake.input.solved
        solved = read_arrays(curves), pd.read_csv(bias)
    streams = (asked.seed, "score", name)
    tables = measure(name, asked.settings, data, density, learned, streams, solved)
    for table, values in tables.items():
        write_table(snakemake.output[table], values)
