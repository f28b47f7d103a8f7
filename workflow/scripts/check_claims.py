"""Say claim by claim whether the paper holds."""

from job import logged

with logged(snakemake.log[0]):
    from autoscore.claims import as_text, check
    from autoscore.storage import write_atomically, write_table

    table = check(snakemake.params.claims, snakemake.params.profile, snakemake.params.seed)
    write_atomically(
        snakemake.output.text, lambda path: path.write_text(as_text(table), encoding="utf-8")
    )
    write_table(snakemake.output.table, table)
    print(table.to_string())
