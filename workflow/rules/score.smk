rule measure_score:
    input:
        data="results/data/{density}.npz",
        learned=trained_files,
    output:
        errors="results/score/{density}.csv",
        curves="results/score/{density}.npz",
        fixed_points="results/score/{density}_fixed_points.csv",
    log:
        "results/logs/measure_score/{density}.log",
    conda:
        "../../envs/autoscore.yaml"
    params:
        seed=config["seed"],
        entry=target_settings,
        settings=lambda wildcards: {
            key: train_settings(wildcards.density)[key] for key in ("sigmas", "seeds", "sizes")
        },
        trainings=lambda wildcards: trainings(wildcards.density),
        points=config["optimum"]["points"],
        code=code("scripts.measure_score"),
    script:
        "../scripts/measure_score.py"


rule gather_scores:
    input:
        errors=expand("results/score/{density}.csv", density=config["densities"]),
        bias=expand("results/optimum/{density}.csv", density=one_dimensional_targets()),
    output:
        errors="results/score/errors.csv",
        order="results/score/order.csv",
    log:
        "results/logs/gather_scores.log",
    conda:
        "../../envs/autoscore.yaml"
    params:
        densities=one_dimensional_targets(),
        window=config["optimum"]["order_sigmas"],
        code=code("scripts.gather_scores"),
    script:
        "../scripts/gather_scores.py"
