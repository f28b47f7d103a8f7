rule train:
    input:
        data="results/data/{density}.npz",
        shards=shard_files(".safetensors"),
        traces=shard_files(".csv"),
    output:
        weights="results/train/{density}/{objective}_{model}_{source}.safetensors",
        trace="results/train/{density}/{objective}_{model}_{source}.csv",
        record="results/train/{density}/{objective}_{model}_{source}.json",
    priority: 1  # longest jobs first, so that they do not run alone at the end
    resources:
        mem_mb=demands.growing(demand(training_demands, "mem_mb")),
        runtime=demands.growing(demand(training_demands, "runtime")),
        gpu=demand(training_demands, "gpu"),
    params:
        **parameters("train", *ROUNDING, "seed", "entry", "settings", "shard"),
    script:
        "../scripts/train.py"


use rule train as train_shard with:
    input:
        data="results/data/{density}.npz",
    output:
        weights=temp("results/train/{density}/{objective}_{model}_{source}/{shard}.safetensors"),
        trace=temp("results/train/{density}/{objective}_{model}_{source}/{shard}.csv"),
        record="results/train/{density}/{objective}_{model}_{source}/{shard}.json",


if IMAGES:

    rule train_images:
        input:
            images="results/data/images.npz",
        output:
            weights="results/train/images/{image_model}.safetensors",
            trace="results/train/images/{image_model}.csv",
            symmetry="results/train/images/{image_model}_symmetry.csv",
            record="results/train/images/{image_model}.json",
        priority: 2  # the longest of all
        resources:
            mem_mb=demands.growing(6000),
            runtime=demands.growing(240),
            gpu=demands.gpus(IMAGES["device"]),
        params:
            **parameters("train_images", *ROUNDING, "seed", "settings", "device"),
        script:
            "../scripts/train_images.py"
