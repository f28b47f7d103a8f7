"""Join the diagnostics of all chains, and compare the samplers."""

from job import logged

with logged(snakemake):
    from autoscore.files.storage import read_tables, write_table
    from autoscore.sample.summary import sampler_table

    diagnostics = read_tables(snakemake.input.diagnostics)
    write_table(snakemake.output.diagnostics, diagnostics)
    write_table(snakemake.output.samplers, sampler_table(diagnostics))
