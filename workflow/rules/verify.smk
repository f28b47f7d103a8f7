rule verify_tables:
    input:
        tables=checked_tables(CHECKS, config),
        images=["results/data/images.csv"] if IMAGES else [],
    output:
        places=report(
            "results/verify/places.csv", category="Verdicts", labels={"table": "checks, by place"}
        ),
        statements=report(
            "results/verify/statements.csv", category="Verdicts", labels={"table": "statements"}
        ),
        text="results/verify/verdicts.md",
        record="results/verify/places.json",
    localrule: True
    params:
        checks=CHECKS,
        statements=STATEMENTS,
        on_record=read_record(RECORD, config["profile"]).reset_index().to_dict("list"),
        targets=list(config["densities"]),
    script:
        "../scripts/verify_tables.py"
