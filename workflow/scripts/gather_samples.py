"""Put the diagnostics of all chains together, and compare the samplers."""

from job import logged

with logged(snakemake):
    from autoscore.sampling.summary import sampler_table
    from autoscore.storage import read_tables, write_table

    diagnostics = read_tables(snakemake.input.diagnostics)
    write_table(snakemake.output.diagnostics, diagnostics)
    write_table(snakemake.output.samplers, sampler_table(diagnostics))
