rule optimum:
    input:
        data="results/data/{density}.npz",
    output:
        curves="results/optimum/{density}.npz",
        bias="results/optimum/{density}.csv",
        order="results/optimum/{density}_order.csv",
        losses="results/optimum/{density}_losses.csv",
        record="results/optimum/{density}.json",
    resources:
        mem_mb=demands.growing(measuring_memory),
    params:
        **parameters("optimum", "entry", "settings", "levels", "window"),
    script:
        "../scripts/optimum.py"
