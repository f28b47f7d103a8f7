"""Put verdicts, figures, run times and what made them on one page."""

from job import logged

with logged(snakemake):
    from pathlib import Path

    from autoscore.files.storage import write_atomically
    from autoscore.report import render

    given, asked = snakemake.input, snakemake.params
    tables = {"claims": given.claims, "order": given.order}
    if given.images:
        tables["images"] = given.images[0]
    # by now all jobs of this run have ended: a record that is not there is of none
    records = [file for file in asked.records if Path(file).is_file()]
    page = render(asked.template, asked.config, given.figures, records, tables)
    write_atomically(snakemake.output[0], lambda path: path.write_text(page, encoding="utf-8"))
