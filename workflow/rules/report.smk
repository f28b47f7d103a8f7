PAGE = ("page.html", "style.css", "page.js")


rule report:
    input:
        figures=[file for file in figure_files(config) if not file.endswith(".pdf")],
        fields=[f"results/geometry/{name}.npz" for name in plan.explored(config)],
        optima=[
            f"results/optimum/{name}.npz"
            for name in plan.explored(config)
            if plan.is_solved_on_the_line(config, name)
        ],
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
        stated=STATEMENTS,
        checks=CHECKS,
        # a function, since Snakemake would take braces for wildcards
        templates=lambda wildcards: {
            name: (LIBRARY / "report" / name).read_text(encoding="utf-8") for name in PAGE
        },
        records=plan.record_files(config),
    script:
        "../scripts/make_report.py"
