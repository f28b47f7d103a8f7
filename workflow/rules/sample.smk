rule sample:
    input:
        data="results/data/{density}.npz",
        learned=of_density(plan.sampled_files),
    output:
        diagnostics="results/sample/{density}.csv",
        chains="results/sample/{density}.npz",
        differences="results/sample/{density}_differences.csv",
        far_starts="results/sample/{density}_far_starts.csv",
        metropolis="results/sample/{density}_metropolis.csv",
        record="results/sample/{density}.json",
    priority: 2  # long, and hardly anything waits for it
    resources:
        mem_mb=demands.growing(demand(sampling_demands, "mem_mb")),
        runtime=demands.growing(demand(sampling_demands, "runtime")),
        gpu=demand(sampling_demands, "gpu"),
    params:
        **parameters("sample", "seed", "entry", "settings", "trainings"),
    script:
        "../scripts/sample.py"


rule sample_tables:
    input:
        diagnostics=expand("results/sample/{density}.csv", density=plan.sampled(config)),
    output:
        diagnostics="results/sample/diagnostics.csv",
        samplers="results/sample/samplers.csv",
        record="results/sample/diagnostics.json",
    localrule: True
    script:
        "../scripts/sample_tables.py"


if IMAGES:

    rule sample_classifier:
        input:
            images="results/data/images.npz",
        output:
            classifier="results/sample/images/classifier.npz",
            references="results/sample/images/references.csv",
            record="results/sample/images/classifier.json",
        priority: 2  # sampling waits for it
        resources:
            mem_mb=demands.growing(8000),
            runtime=demands.growing(60),
        params:
            **parameters("sample_classifier", *ROUNDING, "seed", "held_out"),
        script:
            "../scripts/sample_classifier.py"

    rule sample_images:
        input:
            images="results/data/images.npz",
            learned="results/train/images/{image_model}.safetensors",
            classifier="results/sample/images/classifier.npz",
        output:
            table="results/sample/images/{image_model}.csv",
            shown="results/sample/images/{image_model}.npz",
            record="results/sample/images/{image_model}.json",
        priority: 2
        resources:
            mem_mb=demands.growing(8000),
            runtime=demands.growing(120),
            gpu=demands.gpus(IMAGES["device"]),
        params:
            **parameters("sample_images", "seed", "settings", "device"),
        script:
            "../scripts/sample_images.py"

    rule sample_image_tables:
        input:
            tables=expand(
                "results/sample/images/{model}.csv", model=plan.drawn_image_models(config)
            ),
            references="results/sample/images/references.csv",
        output:
            table="results/sample/images.csv",
            record="results/sample/images.json",
        localrule: True
        script:
            "../scripts/sample_image_tables.py"
