rule make_data:
    input:
        user_file,
    output:
        "results/data/{density}.npz",
    log:
        "results/logs/make_data/{density}.log",
    conda:
        "../../envs/autoscore.yaml"
    params:
        seed=config["seed"],
        entry=data_settings,
        code=code("scripts.make_data"),
    script:
        "../scripts/make_data.py"
