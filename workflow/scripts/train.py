"""Train a stack of auto-encoders, or a shard of it, or join its shards.

A stack holds all numbers of points, noise levels and seeds of one density, objective and model.
"""

from job import logged, reporter

with logged(snakemake):
    import pandas as pd
    import torch

    from autoscore.data import target
    from autoscore.files.storage import read_arrays, write_atomically, write_table
    from autoscore.models.registry import MODELS, load_stack
    from autoscore.numerics.devices import device_of
    from autoscore.shards import divide, join_tables
    from autoscore.train.rounding import move_weights
    from autoscore.train.setups import trace_rows
    from autoscore.train.stack import Stack

    torch.set_num_threads(snakemake.threads)
    density, objective, model, source, *number = snakemake.wildcards
    settings, files = snakemake.params.settings, snakemake.input
    shards = divide(settings, source, snakemake.params.shard)
    if files.get("shards"):
        stack = Stack.join([load_stack(file) for file in files.shards], shards)
        # as text, to keep every digit
        texts = [pd.read_csv(file, dtype=str, keep_default_na=False) for file in files.traces]
        table = join_tables(texts, shards)
    else:
        data, members = read_arrays(files.data), shards[int(*number)]
        streams = (snakemake.params.seed, density, objective, model)
        report = reporter(" ".join(["train", *snakemake.wildcards]))
        asked = (settings, objective, streams, report, members, device_of(settings["device"]))
        learned = target(snakemake.params.entry, data) if source == "exact" else data
        trained = MODELS[settings["kind"]].trainer(source)(learned, *asked)
        stack, table = trained[0], pd.DataFrame(trace_rows(*trained))
        move_weights(stack, snakemake.params.get("rounding"), *streams)
    write_atomically(snakemake.output.weights, stack.save)
    write_table(snakemake.output.trace, table)
