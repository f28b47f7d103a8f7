rule data:
    input:
        of_density(plan.sample_file),
    output:
        arrays="results/data/{density}.npz",
        record="results/data/{density}.json",
    log:
        "results/logs/data/{density}.log",
    priority: 3  # short; afterwards all trainings can start
    conda:
        "../../envs/autoscore.yaml"
    resources:
        mem_mb=measuring_memory,
    params:
        **parameters("data", "seed", "entry"),
        content=sample_hash,
        code=code("scripts.data"),
    script:
        "../scripts/data.py"


if IMAGES:

    rule data_images:
        output:
            images="results/data/images.npz",
            provenance="results/data/images.csv",
            record="results/data/images.json",
        log:
            "results/logs/data_images.log",
        priority: 2
        localrule: True
        conda:
            "../../envs/autoscore.yaml"
        params:
            **parameters("data_images", "settings"),
            # a folder that is new replaces images from elsewhere
            given=images_are_given(),
            code=code("scripts.data_images"),
        script:
            "../scripts/data_images.py"
