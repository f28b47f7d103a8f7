"""Judge every check, and with them the statements."""

from job import logged

with logged(snakemake):
    import pandas as pd

    from autoscore.files.storage import write_atomically, write_table
    from autoscore.verify.judging import judge
    from autoscore.verify.text import as_text
    from autoscore.verify.verdicts import verdicts

    asked, made, provenance = snakemake.params, snakemake.output, snakemake.input.images
    images = pd.read_csv(provenance[0]).iloc[0].to_dict() if provenance else None
    record = pd.DataFrame(asked.on_record).set_index(["check", "place"])
    places = judge(asked.checks, record, asked.targets, images)
    statements = verdicts(asked.statements, places)
    text = as_text(statements, places, asked.checks)
    write_atomically(made.text, lambda path: path.write_text(text, encoding="utf-8"))
    write_table(made.places, places)
    write_table(made.statements, statements)
    print(statements[["statement", "verdict", "number"]].to_string())
