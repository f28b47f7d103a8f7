"""Train one stack of auto-encoders: all noise levels and seeds of one density and objective."""

from job import logged, reporter

with logged(snakemake):
    import pandas as pd
    import torch

    from autoscore.data import target
    from autoscore.devices import device_of
    from autoscore.experiments import (
        trace_rows,
        train_conditioned,
        train_exact_ensemble,
        train_sample_ensemble,
    )
    from autoscore.storage import read_arrays, write_atomically, write_table

    torch.set_num_threads(snakemake.threads)
    density, objective, model, source = snakemake.wildcards
    data = read_arrays(snakemake.input.data)
    streams = (snakemake.params.seed, density, objective, model)
    report = reporter(f"train {density} {objective} {model} {source}")
    settings = snakemake.params.settings
    place = device_of(settings["device"])
    if settings["kind"] == "conditioned":
        stack, trace = train_conditioned(data, settings, objective, streams, report, place)
    elif source == "samples":
        stack, trace = train_sample_ensemble(data, settings, objective, streams, report, place)
    else:
        exact = target(snakemake.params.entry, data)
        stack, trace = train_exact_ensemble(exact, settings, objective, streams, report, place)
    write_atomically(snakemake.output.weights, stack.save)
    write_table(snakemake.output.trace, pd.DataFrame(trace_rows(stack, trace)))
