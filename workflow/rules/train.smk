rule train:
    input:
        data="results/data/{density}.npz",
        blocks=lambda wildcards: block_files(*wildcards, ".safetensors"),
        traces=lambda wildcards: block_files(*wildcards, ".csv"),
    output:
        weights="results/train/{density}/{objective}_{model}_{source}.safetensors",
        trace="results/train/{density}/{objective}_{model}_{source}.csv",
        record="results/train/{density}/{objective}_{model}_{source}.json",
    log:
        "results/logs/train/{density}_{objective}_{model}_{source}.log",
    priority: 1  # the longest jobs first, so that nothing waits for them at the end
    conda:
        "../../envs/autoscore.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards: training_demands(wildcards)["mem_mb"],
        runtime=lambda wildcards: training_demands(wildcards)["runtime"],
        gpu=lambda wildcards: training_demands(wildcards)["gpu"],
    params:
        **ROUNDING,
        seed=config["seed"],
        entry=target_settings,
        settings=training_settings,
        block=lambda wildcards: block_size(wildcards.density, wildcards.model),
        code=code("scripts.train"),
    script:
        "../scripts/train.py"


use rule train as train_block with:
    input:
        data="results/data/{density}.npz",
    output:
        weights=temp("results/train/{density}/{objective}_{model}_{source}/{block}.safetensors"),
        trace=temp("results/train/{density}/{objective}_{model}_{source}/{block}.csv"),
        record="results/train/{density}/{objective}_{model}_{source}/{block}.json",
    log:
        "results/logs/train_block/{density}_{objective}_{model}_{source}_{block}.log",
