"""Check the claims and write their verdicts."""

from job import logged

with logged(snakemake):
    import pandas as pd

    from autoscore.files.storage import write_atomically, write_table
    from autoscore.verify.checking import as_text, check

    asked, provenance = snakemake.params, snakemake.input.images
    images = pd.read_csv(provenance[0]).iloc[0].to_dict() if provenance else None
    table = check(asked.claims, asked.seed, asked.targets, images)
    write_atomically(
        snakemake.output.text, lambda path: path.write_text(as_text(table), encoding="utf-8")
    )
    write_table(snakemake.output.table, table)
    print(table.to_string())
