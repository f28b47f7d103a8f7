"""Write the report: verdicts, figures, run times and versions on one page."""

from job import logged

with logged(snakemake):
    from pathlib import Path

    from autoscore.files.storage import write_atomically
    from autoscore.report.page import render

    given, asked = snakemake.input, snakemake.params
    tables = {name: given[name] for name in ("places", "statements", "order")}
    tables |= {name: given[name][0] for name in ("images", "stability") if given[name]}
    files = {name: list(given[name]) for name in ("figures", "fields", "optima")}
    # all jobs have ended: those without a record did not run
    files["records"] = [file for file in asked.records if Path(file).is_file()]
    page = render(asked.templates, asked.config, asked.stated, asked.checks, files, tables)
    write_atomically(snakemake.output[0], lambda path: path.write_text(page, encoding="utf-8"))
