rule report:
    input:
        figures=[file for file in figure_files() if not file.endswith(".pdf")],
        claims="results/verify/claims.csv",
        order="results/score/order.csv",
        images=["results/data/images.csv"] if IMAGES else [],
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    conda:
        "../../envs/autoscore.yaml"
    params:
        config=config,
        # functions, since Snakemake would take braces for wildcards
        captions=lambda wildcards: report_source("figures.yaml"),
        template=lambda wildcards: report_source("page.html"),
        records=record_files(),
        code=code("scripts.make_report"),
    script:
        "../scripts/make_report.py"
