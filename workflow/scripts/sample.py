"""Run all chains of one density and measure their draws."""

from job import logged, reporter

with logged(snakemake):
    import shutil
    from pathlib import Path

    import torch

    from autoscore.data import target
    from autoscore.files.storage import fingerprint, read_arrays, write_arrays, write_table
    from autoscore.models.registry import load_stacks
    from autoscore.numerics.devices import device_of
    from autoscore.sample.stage import Sampling

    torch.set_num_threads(snakemake.threads)
    name, asked, outputs = snakemake.wildcards.density, snakemake.params, snakemake.output
    data, device = read_arrays(snakemake.input.data), device_of(asked.settings["device"])
    sampling = Sampling(
        name,
        target(asked.entry, data),
        load_stacks(asked.trainings, snakemake.input.learned, device),
        data,
        asked.settings,
        asked.seed,
    )
    # resume a stopped job only if nothing that it depends on has changed
    mark = fingerprint([asked.entry, asked.seed, asked.code], snakemake.input)
    unfinished = Path(outputs.chains).with_suffix("") / mark
    diagnostics, chains = sampling.run(reporter(f"sample {name}"), unfinished)
    metropolis, swept = sampling.metropolis()
    write_table(outputs.diagnostics, diagnostics)
    write_arrays(outputs.chains, chains | swept)
    write_table(outputs.metropolis, metropolis)
    write_table(outputs.differences, sampling.differences())
    write_table(outputs.far_starts, sampling.far_starts())
    shutil.rmtree(unfinished.parent, ignore_errors=True)  # missing if no chain ran
