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
        order="results/optimum/{density}_order.csv",
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
        settings=lambda wildcards: {"sigma": field_sigma(wildcards.density)},
        code=code("scripts.plot", "autoscore.plots.field"),


use rule plot_density as plot_held_out with:
    input:
        losses="results/score/{density}_held_out.csv",
    output:
        pdf="figures/{density}_held_out.pdf",
        png="figures/{density}_held_out.png",
    log:
        "results/logs/plot_held_out/{density}.log",
    params:
        figure="held_out",
        settings={},
        code=code("scripts.plot", "autoscore.plots.held_out"),


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
        settings={"densities": on_the_line()},
        code=code("scripts.plot", "autoscore.plots.learned_error"),


use rule plot_density as plot_quiver with:
    input:
        arrays="results/geometry/{density}.npz",
    output:
        pdf="figures/{density}_quiver.pdf",
        png="figures/{density}_quiver.png",
    log:
        "results/logs/plot_quiver/{density}.log",
    params:
        figure="quiver",
        settings={},
        code=code("scripts.plot", "autoscore.plots.quiver"),


use rule plot_density as plot_map with:
    input:
        arrays="results/geometry/{density}.npz",
        fixed_points="results/geometry/{density}_fixed_points.csv",
    output:
        pdf="figures/{density}_map.pdf",
        png="figures/{density}_map.png",
    log:
        "results/logs/plot_map/{density}.log",
    params:
        figure="map",
        settings={},
        code=code("scripts.plot", "autoscore.plots.map"),


use rule plot_density as plot_shape with:
    input:
        summary="results/geometry/{density}.csv",
    output:
        pdf="figures/{density}_shape.pdf",
        png="figures/{density}_shape.png",
    log:
        "results/logs/plot_shape/{density}.log",
    params:
        figure="shape",
        settings={},
        code=code("scripts.plot", "autoscore.plots.shape"),


use rule plot_density as plot_tangent with:
    input:
        arrays="results/geometry/{density}.npz",
        profiles="results/geometry/{density}_profiles.csv",
    output:
        pdf="figures/{density}_tangent.pdf",
        png="figures/{density}_tangent.png",
    log:
        "results/logs/plot_tangent/{density}.log",
    params:
        figure="tangent",
        settings={},
        code=code("scripts.plot", "autoscore.plots.tangent"),


use rule plot_density as plot_losses with:
    input:
        losses="results/geometry/{density}_losses.csv",
    output:
        pdf="figures/{density}_losses.pdf",
        png="figures/{density}_losses.png",
    log:
        "results/logs/plot_losses/{density}.log",
    params:
        figure="losses",
        settings=lambda wildcards: {"density": wildcards.density},
        code=code("scripts.plot", "autoscore.plots.losses"),


use rule plot_density as plot_plane_error with:
    input:
        errors="results/score/errors.csv",
    output:
        pdf="figures/plane_error.pdf",
        png="figures/plane_error.png",
    log:
        "results/logs/plot_plane_error.log",
    params:
        figure="plane_error",
        settings={"densities": beyond_the_line()},
        code=code("scripts.plot", "autoscore.plots.plane_error"),


use rule plot_density as plot_peers with:
    input:
        errors="results/score/errors.csv",
    output:
        pdf="figures/peers.pdf",
        png="figures/peers.png",
    log:
        "results/logs/plot_peers.log",
    params:
        figure="peers",
        settings={"densities": compared_by_size()},
        code=code("scripts.plot", "autoscore.plots.peers"),


use rule plot_density as plot_combinations with:
    input:
        choices="results/score/choices.csv",
    output:
        pdf="figures/combinations.pdf",
        png="figures/combinations.png",
    log:
        "results/logs/plot_combinations.log",
    params:
        figure="combinations",
        settings={},
        code=code("scripts.plot", "autoscore.plots.combinations"),


use rule plot_density as plot_samples with:
    input:
        chains="results/sample/{density}.npz",
        diagnostics="results/sample/{density}.csv",
    output:
        pdf="figures/{density}_samples.pdf",
        png="figures/{density}_samples.png",
    log:
        "results/logs/plot_samples/{density}.log",
    params:
        figure="samples",
        settings=shown_plan("samples"),
        code=code("scripts.plot", "autoscore.plots.samples"),


use rule plot_samples as plot_pairs with:
    output:
        pdf="figures/{density}_pairs.pdf",
        png="figures/{density}_pairs.png",
    log:
        "results/logs/plot_pairs/{density}.log",
    params:
        figure="pairs",
        settings=shown_plan("pairs"),
        code=code("scripts.plot", "autoscore.plots.pairs"),


use rule plot_samples as plot_traces with:
    output:
        pdf="figures/{density}_traces.pdf",
        png="figures/{density}_traces.png",
    log:
        "results/logs/plot_traces/{density}.log",
    params:
        figure="traces",
        settings=shown_plan("traces"),
        code=code("scripts.plot", "autoscore.plots.traces"),


use rule plot_samples as plot_levels with:
    output:
        pdf="figures/{density}_levels.pdf",
        png="figures/{density}_levels.png",
    log:
        "results/logs/plot_levels/{density}.log",
    params:
        figure="levels",
        settings=shown_plan("levels"),
        code=code("scripts.plot", "autoscore.plots.levels"),


use rule plot_samples as plot_steps with:
    output:
        pdf="figures/{density}_steps.pdf",
        png="figures/{density}_steps.png",
    log:
        "results/logs/plot_steps/{density}.log",
    params:
        figure="steps",
        settings=shown_plan("steps"),
        code=code("scripts.plot", "autoscore.plots.steps"),


use rule plot_samples as plot_comparison with:
    output:
        pdf="figures/{density}_comparison.pdf",
        png="figures/{density}_comparison.png",
    log:
        "results/logs/plot_comparison/{density}.log",
    params:
        figure="comparison",
        settings=shown_plan("comparison"),
        code=code("scripts.plot", "autoscore.plots.comparison"),


use rule plot_samples as animate_relaxation with:
    output:
        gif="figures/{density}_relaxation.gif",
    log:
        "results/logs/animate_relaxation/{density}.log",
    params:
        figure="relaxation",
        settings=shown_plan("relaxation", frames_per_second=config["figures"]["frames_per_second"]),
        code=code("scripts.plot", "autoscore.plots.relaxation"),


use rule plot_density as plot_differences with:
    input:
        differences="results/sample/{density}_differences.csv",
    output:
        pdf="figures/{density}_differences.pdf",
        png="figures/{density}_differences.png",
    log:
        "results/logs/plot_differences/{density}.log",
    params:
        figure="differences",
        settings={},
        code=code("scripts.plot", "autoscore.plots.differences"),


use rule plot_density as plot_far_starts with:
    input:
        far_starts="results/sample/{density}_far_starts.csv",
    output:
        pdf="figures/{density}_far_starts.pdf",
        png="figures/{density}_far_starts.png",
    log:
        "results/logs/plot_far_starts/{density}.log",
    params:
        figure="far_starts",
        settings={},
        code=code("scripts.plot", "autoscore.plots.far_starts"),
