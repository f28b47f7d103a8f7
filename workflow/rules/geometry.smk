rule measure_geometry:
    input:
        data="results/data/{density}.npz",
        learned=trained_files,
    output:
        arrays="results/geometry/{density}.npz",
        summary="results/geometry/{density}.csv",
        losses="results/geometry/{density}_losses.csv",
        fixed_points="results/geometry/{density}_fixed_points.csv",
        profiles="results/geometry/{density}_profiles.csv",
        record="results/geometry/{density}.json",
    log:
        "results/logs/measure_geometry/{density}.log",
    conda:
        "../../envs/autoscore.yaml"
    resources:
        mem_mb=measuring_memory,
    params:
        seed=config["seed"],
        entry=target_settings,
        settings=shown_settings,
        trainings=lambda wildcards: trainings(wildcards.density),
        code=code("scripts.measure_geometry"),
    script:
        "../scripts/measure_geometry.py"
