rule verify_table:
    input:
        tables=plan.claimed_tables(config, CLAIMS),
        images=["results/data/images.csv"] if IMAGES else [],
    output:
        table="results/verify/claims.csv",
        text="results/verify/claims.md",
        record="results/verify/claims.json",
    localrule: True
    params:
        claims=CLAIMS,
        seed=config["seed"],
        targets=list(config["densities"]),
    script:
        "../scripts/verify_table.py"
