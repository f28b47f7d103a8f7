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
        settings=image_model_settings,
        device=IMAGES["device"],
        code=code("scripts.train_images"),
    script:
        "../scripts/train_images.py"


rule measure_images:
    input:
        images="results/data/images.npz",
        learned=expand("results/train/images/{model}.safetensors", model=IMAGE_MODELS),
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
        models=IMAGE_MODELS,
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
        tables=expand("results/sample/images/{model}.csv", model=DRAWN_IMAGE_MODELS),
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


rule plot_images_denoising:
    input:
        table="results/score/images_denoising.csv",
        provenance="results/data/images.csv",
    output:
        pdf="figures/images_denoising.pdf",
        png="figures/images_denoising.png",
    log:
        "results/logs/plot_images_denoising.log",
    conda:
        "../../envs/autoscore.yaml"
    params:
        figure="images.denoising",
        settings={},
        code=code("scripts.plot", "autoscore.plots.images.denoising"),
    script:
        "../scripts/plot.py"


use rule plot_images_denoising as plot_images_spectra with:
    input:
        table="results/score/images_spectra.csv",
        provenance="results/data/images.csv",
    output:
        pdf="figures/images_spectra.pdf",
        png="figures/images_spectra.png",
    log:
        "results/logs/plot_images_spectra.log",
    params:
        figure="images.spectra",
        settings={},
        code=code("scripts.plot", "autoscore.plots.images.spectra"),


use rule plot_images_denoising as plot_images_noise_levels with:
    input:
        table="results/score/images_noise_levels.csv",
        provenance="results/data/images.csv",
    output:
        pdf="figures/images_noise_levels.pdf",
        png="figures/images_noise_levels.png",
    log:
        "results/logs/plot_images_noise_levels.log",
    params:
        figure="images.noise_levels",
        settings={},
        code=code("scripts.plot", "autoscore.plots.images.noise_levels"),


use rule plot_images_denoising as plot_images_energies with:
    input:
        table="results/score/images_energies.csv",
        provenance="results/data/images.csv",
    output:
        pdf="figures/images_energies.pdf",
        png="figures/images_energies.png",
    log:
        "results/logs/plot_images_energies.log",
    params:
        figure="images.energies",
        settings={"sigma": IMAGES["shown_sigma"]},
        code=code("scripts.plot", "autoscore.plots.images.energies"),


use rule plot_images_denoising as plot_images_tangents with:
    input:
        arrays="results/score/images_tangents.npz",
        provenance="results/data/images.csv",
    output:
        pdf="figures/images_tangents.pdf",
        png="figures/images_tangents.png",
    log:
        "results/logs/plot_images_tangents.log",
    params:
        figure="images.tangents",
        settings={},
        code=code("scripts.plot", "autoscore.plots.images.tangents"),


use rule plot_images_denoising as plot_images_symmetry with:
    input:
        **{model: f"results/train/images/{model}_symmetry.csv" for model in SEPARATE_IMAGE_MODELS},
        provenance="results/data/images.csv",
    output:
        pdf="figures/images_symmetry.pdf",
        png="figures/images_symmetry.png",
    log:
        "results/logs/plot_images_symmetry.log",
    params:
        figure="images.symmetry",
        settings={"models": SEPARATE_IMAGE_MODELS},
        code=code("scripts.plot", "autoscore.plots.images.symmetry"),


use rule plot_images_denoising as plot_images_samples with:
    input:
        **{model: f"results/sample/images/{model}.npz" for model in DRAWN_IMAGE_MODELS},
        table="results/sample/images.csv",
        provenance="results/data/images.csv",
    output:
        pdf="figures/images_samples.pdf",
        png="figures/images_samples.png",
    log:
        "results/logs/plot_images_samples.log",
    params:
        figure="images.samples",
        settings={"models": DRAWN_IMAGE_MODELS},
        code=code("scripts.plot", "autoscore.plots.images.samples"),


use rule plot_images_samples as plot_images_chains with:
    output:
        pdf="figures/images_chains.pdf",
        png="figures/images_chains.png",
    log:
        "results/logs/plot_images_chains.log",
    params:
        figure="images.chains",
        settings={"models": DRAWN_IMAGE_MODELS},
        code=code("scripts.plot", "autoscore.plots.images.chains"),


use rule plot_images_denoising as plot_images_quality with:
    input:
        table="results/sample/images.csv",
        provenance="results/data/images.csv",
    output:
        pdf="figures/images_quality.pdf",
        png="figures/images_quality.png",
    log:
        "results/logs/plot_images_quality.log",
    params:
        figure="images.quality",
        settings={},
        code=code("scripts.plot", "autoscore.plots.images.quality"),
