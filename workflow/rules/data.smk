rule make_data:
    input:
        of_density(plan.sample_file),
    output:
        arrays="results/data/{density}.npz",
        record="results/data/{density}.json",
    log:
        "results/logs/make_data/{density}.log",
    priority: 3  # short, and so that every training can be chosen before shorter jobs
    conda:
        "../../envs/autoscore.yaml"
    resources:
        mem_mb=measuring_memory,
    params:
        seed=config["seed"],
        entry=of_density(plan.data_settings),
        content=sample_hash,
        code=code("scripts.make_data"),
    script:
        "../scripts/make_data.py"
