"""Draw one figure from tables and arrays; autoscore.figures has a module for each."""

from job import logged

with logged(snakemake):
    from autoscore.figures.style import draw_figure

    asked = snakemake.params
    draw_figure(asked.figure, snakemake.input, snakemake.output, asked.settings)
