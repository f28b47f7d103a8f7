rule data:
    input:
        of_density(plan.sample_file),
    output:
        arrays="results/data/{density}.npz",
        record="results/data/{density}.json",
    priority: 3  # short, and all trainings wait for it
    resources:
        mem_mb=demands.growing(measuring_memory),
    params:
        **parameters("data", "seed", "entry"),
        content=sample_hash,
    script:
        "../scripts/data.py"


if IMAGES:

    rule data_images:
        output:
            images="results/data/images.npz",
            provenance="results/data/images.csv",
            record="results/data/images.json",
        priority: 2
        localrule: True
        params:
            **parameters("data_images", "settings"),
            # a new folder replaces images from elsewhere
            given=images_are_given(),
        script:
            "../scripts/data_images.py"
