rule score:
    input:
        data="results/data/{density}.npz",
        learned=of_density(plan.trained_files),
        solved=of_density(plan.solved_files),
    output:
        errors="results/score/{density}.csv",
        factors="results/score/{density}_factors.csv",
        choices="results/score/{density}_choices.csv",
        held_out="results/score/{density}_held_out.csv",
        record="results/score/{density}.json",
    resources:
        mem_mb=demands.growing(measuring_memory),
    params:
        **parameters("score", "seed", "entry", "settings", "trainings"),
    script:
        "../scripts/score.py"


rule score_tables:
    input:
        errors=expand("results/score/{density}.csv", density=config["densities"]),
        factors=expand("results/score/{density}_factors.csv", density=config["densities"]),
        choices=expand("results/score/{density}_choices.csv", density=config["densities"]),
        held_out=expand("results/score/{density}_held_out.csv", density=config["densities"]),
        orders=expand("results/optimum/{density}_order.csv", density=plan.ordered(config)),
    output:
        errors="results/score/errors.csv",
        factors="results/score/factors.csv",
        choices="results/score/choices.csv",
        held_out="results/score/held_out.csv",
        orders="results/score/order.csv",
        record="results/score/errors.json",
    localrule: True
    script:
        "../scripts/score_tables.py"


if IMAGES:

    rule score_images:
        input:
            images="results/data/images.npz",
            learned=expand(
                "results/train/images/{model}.safetensors", model=plan.image_models(config)
            ),
        output:
            denoising="results/score/images_denoising.csv",
            spectra="results/score/images_spectra.csv",
            noise_levels="results/score/images_noise_levels.csv",
            energies="results/score/images_energies.csv",
            tangents="results/score/images_tangents.npz",
            record="results/score/images.json",
        resources:
            mem_mb=demands.growing(12000),
            runtime=demands.growing(120),
            gpu=demands.gpus(IMAGES["device"]),
        params:
            **parameters("score_images", "seed", "models", "settings"),
        script:
            "../scripts/score_images.py"
