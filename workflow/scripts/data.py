"""Draw or split the samples of one density."""

from job import logged

with logged(snakemake):
    from autoscore.data import draw_data
    from autoscore.densities.samples import load_sample
    from autoscore.files.storage import write_arrays

    entry = snakemake.params.entry
    if entry.get("missing") == "drop":
        dropped = load_sample(entry).dropped
        print(f"{dropped} rows of {entry['path']} lack a value and are dropped")
    arrays = draw_data(snakemake.params.seed, snakemake.wildcards.density, entry)
    write_arrays(snakemake.output.arrays, arrays)
