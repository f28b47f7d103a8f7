"""Draw one figure from tables and arrays; autoscore.figures has a module for each."""

from importlib import import_module

from job import logged

with logged(snakemake):
    figure = import_module(f"autoscore.figures.{snakemake.params.figure}")
    figure.draw(dict(snakemake.input), dict(snakemake.output), snakemake.params.settings)
