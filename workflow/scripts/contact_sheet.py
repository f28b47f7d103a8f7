"""Put the paper's figures on one sheet."""

from job import logged

with logged(snakemake):
    from autoscore.figures.contact_sheet import assemble

    assemble(dict(snakemake.input), snakemake.params.words, snakemake.output[0])
