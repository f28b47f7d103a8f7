rule measure_score:
    input:
        data="results/data/{density}.npz",
        learned=of_density(plan.trained_files),
        solved=of_density(plan.solved_files),
    output:
        errors="results/score/{density}.csv",
        choices="results/score/{density}_choices.csv",
        held_out="results/score/{density}_held_out.csv",
        record="results/score/{density}.json",
    log:
        "results/logs/measure_score/{density}.log",
    conda:
        "../../envs/autoscore.yaml"
    resources:
        mem_mb=measuring_memory,
    params:
        seed=config["seed"],
        entry=of_density(plan.target_settings),
        settings=of_density(plan.score_settings),
        trainings=of_density(plan.trainings),
        code=code("scripts.measure_score"),
    script:
        "../scripts/measure_score.py"


rule gather_scores:
    input:
        errors=expand("results/score/{density}.csv", density=config["densities"]),
        choices=expand("results/score/{density}_choices.csv", density=config["densities"]),
        held_out=expand("results/score/{density}_held_out.csv", density=config["densities"]),
        orders=expand("results/optimum/{density}_order.csv", density=plan.ordered(config)),
    output:
        errors="results/score/errors.csv",
        choices="results/score/choices.csv",
        held_out="results/score/held_out.csv",
        orders="results/score/order.csv",
        record="results/score/errors.json",
    log:
        "results/logs/gather_scores.log",
    conda:
        "../../envs/autoscore.yaml"
    params:
        code=code("scripts.gather_scores"),
    script:
        "../scripts/gather_scores.py"
