rule plot_density:
    input:
        curves="results/optimum/{density}.npz",
    output:
        pdf="figures/{density}_density.pdf",
        png="figures/{density}_density.png",
    log:
        "results/logs/plot_density/{density}.log",
    conda:
        "../../envs/autoscore.yaml"
    params:
        figure="density",
        settings={},
        code=code("scripts.plot", "autoscore.plots.density"),
    script:
        "../scripts/plot.py"


use rule plot_density as plot_optimum with:
    output:
        pdf="figures/{density}_optimum.pdf",
        png="figures/{density}_optimum.png",
    log:
        "results/logs/plot_optimum/{density}.log",
    params:
        figure="optimum",
        settings={"panel_sigmas": config["figures"]["panel_sigmas"]},
        code=code("scripts.plot", "autoscore.plots.optimum"),


use rule plot_density as animate_optimum with:
    output:
        gif="figures/{density}_optimum.gif",
    log:
        "results/logs/animate_optimum/{density}.log",
    params:
        figure="animation",
        settings={"frames_per_second": config["figures"]["frames_per_second"]},
        code=code("scripts.plot", "autoscore.plots.animation"),


use rule plot_density as plot_bias with:
    input:
        bias="results/optimum/{density}.csv",
        order="results/score/order.csv",
    output:
        pdf="figures/{density}_bias.pdf",
        png="figures/{density}_bias.png",
    log:
        "results/logs/plot_bias/{density}.log",
    params:
        figure="bias",
        settings=lambda wildcards: {"density": wildcards.density},
        code=code("scripts.plot", "autoscore.plots.bias"),


use rule plot_density as plot_field with:
    input:
        learned="results/geometry/{density}.npz",
        fixed_points="results/geometry/{density}_fixed_points.csv",
    output:
        pdf="figures/{density}_field.pdf",
        png="figures/{density}_field.png",
    log:
        "results/logs/plot_field/{density}.log",
    params:
        figure="field",
        settings={"sigma": config["figures"]["field_sigma"]},
        code=code("scripts.plot", "autoscore.plots.field"),


use rule plot_density as plot_reconstruction with:
    input:
        curves="results/optimum/{density}.npz",
        learned="results/geometry/{density}.npz",
        fixed_points="results/geometry/{density}_fixed_points.csv",
    output:
        pdf="figures/{density}_reconstruction.pdf",
        png="figures/{density}_reconstruction.png",
    log:
        "results/logs/plot_reconstruction/{density}.log",
    params:
        figure="reconstruction",
        settings={"sigma": config["figures"]["field_sigma"]},
        code=code("scripts.plot", "autoscore.plots.reconstruction"),


use rule plot_density as plot_learned_error with:
    input:
        errors="results/score/errors.csv",
    output:
        pdf="figures/learned_error.pdf",
        png="figures/learned_error.png",
    log:
        "results/logs/plot_learned_error.log",
    params:
        figure="learned_error",
        settings={},
        code=code("scripts.plot", "autoscore.plots.learned_error"),
