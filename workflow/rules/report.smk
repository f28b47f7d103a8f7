rule report:
    input:
        figures=[file for file in figure_files(config) if not file.endswith(".pdf")],
        places="results/verify/places.csv",
        statements="results/verify/statements.csv",
        order="results/score/order.csv",
        images=["results/data/images.csv"] if IMAGES else [],
        stability=[STABILITY] if os.path.isfile(STABILITY) else [],
    output:
        "results/report.html",
    localrule: True
    params:
        config=config,
        # a function, since Snakemake would take braces for wildcards
        template=lambda wildcards: (LIBRARY / "report" / "page.html").read_text(encoding="utf-8"),
        records=plan.record_files(config),
    script:
        "../scripts/make_report.py"
