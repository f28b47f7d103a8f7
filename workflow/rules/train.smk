rule train:
    input:
        data="results/data/{density}.npz",
        blocks=block_files(".safetensors"),
        traces=block_files(".csv"),
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
        mem_mb=demand(training_demands, "mem_mb"),
        runtime=demand(training_demands, "runtime"),
        gpu=demand(training_demands, "gpu"),
    params:
        **ROUNDING,
        seed=config["seed"],
        entry=of_density(plan.target_settings),
        settings=lambda wildcards: plan.training_settings(
            config, wildcards.density, wildcards.model, wildcards.source
        ),
        block=lambda wildcards: plan.model_settings(config, wildcards.density, wildcards.model)[
            "block"
        ],
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
