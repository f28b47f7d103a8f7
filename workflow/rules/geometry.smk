rule geometry:
    input:
        data="results/data/{density}.npz",
        learned=of_density(plan.trained_files),
    output:
        arrays="results/geometry/{density}.npz",
        summary="results/geometry/{density}.csv",
        losses="results/geometry/{density}_losses.csv",
        fixed_points="results/geometry/{density}_fixed_points.csv",
        arms="results/geometry/{density}_arms.csv",
        profiles="results/geometry/{density}_profiles.csv",
        attractors="results/geometry/{density}_attractors.csv",
        record="results/geometry/{density}.json",
    resources:
        mem_mb=demands.growing(measuring_memory),
    params:
        **parameters("geometry", "seed", "entry", "settings", "trainings"),
    script:
        "../scripts/geometry.py"
