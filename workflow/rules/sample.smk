rule sample:
    input:
        data="results/data/{density}.npz",
        learned=of_density(plan.sampled_files),
    output:
        diagnostics="results/sample/{density}.csv",
        chains="results/sample/{density}.npz",
        differences="results/sample/{density}_differences.csv",
        far_starts="results/sample/{density}_far_starts.csv",
        record="results/sample/{density}.json",
    log:
        "results/logs/sample/{density}.log",
    priority: 2  # long, and nothing waits for it but the end
    conda:
        "../../envs/autoscore.yaml"
    threads: 1
    resources:
        mem_mb=demand(sampling_demands, "mem_mb"),
        runtime=demand(sampling_demands, "runtime"),
        gpu=demand(sampling_demands, "gpu"),
    params:
        seed=config["seed"],
        entry=of_density(plan.target_settings),
        settings=of_density(plan.sample_settings),
        trainings=of_density(plan.sampled_trainings),
        code=code("scripts.sample"),
    script:
        "../scripts/sample.py"


rule gather_samples:
    input:
        diagnostics=expand("results/sample/{density}.csv", density=plan.sampled(config)),
    output:
        diagnostics="results/sample/diagnostics.csv",
        samplers="results/sample/samplers.csv",
        record="results/sample/diagnostics.json",
    log:
        "results/logs/gather_samples.log",
    conda:
        "../../envs/autoscore.yaml"
    params:
        code=code("scripts.gather_samples"),
    script:
        "../scripts/gather_samples.py"
