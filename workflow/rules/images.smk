rule get_images:
    output:
        images="results/data/images.npz",
        provenance="results/data/images.csv",
        record="results/data/images.json",
    log:
        "results/logs/get_images.log",
    priority: 2
    conda:
        "../../envs/autoscore.yaml"
    params:
        settings={key: IMAGES[key] for key in IMAGE_SOURCES},
        # what was done without a folder is done anew with one
        given=images_are_given(),
        code=code("scripts.get_images"),
    script:
        "../scripts/get_images.py"


rule train_images:
    input:
        images="results/data/images.npz",
    output:
        weights="results/train/images/{image_model}.safetensors",
        trace="results/train/images/{image_model}.csv",
        symmetry="results/train/images/{image_model}_symmetry.csv",
        record="results/train/images/{image_model}.json",
    log:
        "results/logs/train_images/{image_model}.log",
    priority: 2  # the longest of all
    conda:
        "../../envs/autoscore.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime=240,
        gpu=demands.gpus(IMAGES["device"]),
    params:
        **ROUNDING,
        seed=config["seed"],
        settings=lambda wildcards: plan.image_training_settings(config, wildcards.image_model),
        device=IMAGES["device"],
        code=code("scripts.train_images"),
    script:
        "../scripts/train_images.py"


rule measure_images:
    input:
        images="results/data/images.npz",
        learned=expand("results/train/images/{model}.safetensors", model=plan.image_models(config)),
    output:
        denoising="results/score/images_denoising.csv",
        spectra="results/score/images_spectra.csv",
        noise_levels="results/score/images_noise_levels.csv",
        energies="results/score/images_energies.csv",
        tangents="results/score/images_tangents.npz",
        record="results/score/images.json",
    log:
        "results/logs/measure_images.log",
    conda:
        "../../envs/autoscore.yaml"
    threads: 1
    resources:
        mem_mb=12000,
        runtime=120,
        gpu=demands.gpus(IMAGES["device"]),
    params:
        seed=config["seed"],
        models=plan.image_models(config),
        settings={key: IMAGES[key] for key in ("sigmas", "shown_sigma", "held_out", "device")},
        code=code("scripts.measure_images"),
    script:
        "../scripts/measure_images.py"


rule judge_images:
    input:
        images="results/data/images.npz",
    output:
        judge="results/sample/images/judge.npz",
        references="results/sample/images/references.csv",
        record="results/sample/images/judge.json",
    log:
        "results/logs/judge_images.log",
    priority: 2  # sampling waits for it
    conda:
        "../../envs/autoscore.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        **ROUNDING,
        seed=config["seed"],
        held_out=IMAGES["held_out"],
        code=code("scripts.judge_images"),
    script:
        "../scripts/judge_images.py"


rule sample_images:
    input:
        images="results/data/images.npz",
        learned="results/train/images/{image_model}.safetensors",
        judge="results/sample/images/judge.npz",
    output:
        table="results/sample/images/{image_model}.csv",
        shown="results/sample/images/{image_model}.npz",
        record="results/sample/images/{image_model}.json",
    log:
        "results/logs/sample_images/{image_model}.log",
    priority: 2
    conda:
        "../../envs/autoscore.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
        gpu=demands.gpus(IMAGES["device"]),
    params:
        seed=config["seed"],
        settings=IMAGES["sample"],
        device=IMAGES["device"],
        code=code("scripts.sample_images"),
    script:
        "../scripts/sample_images.py"


rule gather_images:
    input:
        tables=expand("results/sample/images/{model}.csv", model=plan.drawn_image_models(config)),
        references="results/sample/images/references.csv",
    output:
        table="results/sample/images.csv",
        record="results/sample/images.json",
    log:
        "results/logs/gather_images.log",
    conda:
        "../../envs/autoscore.yaml"
    params:
        code=code("scripts.gather_images"),
    script:
        "../scripts/gather_images.py"
