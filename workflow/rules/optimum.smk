rule solve_optimum:
    input:
        data="results/data/{density}.npz",
    output:
        curves="results/optimum/{density}.npz",
        bias="results/optimum/{density}.csv",
        order="results/optimum/{density}_order.csv",
        record="results/optimum/{density}.json",
    log:
        "results/logs/solve_optimum/{density}.log",
    conda:
        "../../envs/autoscore.yaml"
    resources:
        mem_mb=measuring_memory,
    params:
        entry=target_settings,
        settings=optimum_settings,
        levels=solved_levels,
        window=lambda wildcards: order_window(wildcards.density),
        code=code("scripts.solve_optimum"),
    script:
        "../scripts/solve_optimum.py"
