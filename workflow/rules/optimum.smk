rule optimum:
    input:
        data="results/data/{density}.npz",
    output:
        curves="results/optimum/{density}.npz",
        bias="results/optimum/{density}.csv",
        order="results/optimum/{density}_order.csv",
        losses="results/optimum/{density}_losses.csv",
        record="results/optimum/{density}.json",
    log:
        "results/logs/optimum/{density}.log",
    conda:
        "../../envs/autoscore.yaml"
    resources:
        mem_mb=measuring_memory,
    params:
        **parameters("optimum", "entry", "settings", "levels", "window"),
        code=code("scripts.optimum"),
    script:
        "../scripts/optimum.py"
