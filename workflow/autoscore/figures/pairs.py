"""True against sampled draws in pairs of neighbouring coordinates."""

from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure
from autoscore.figures.runs import drawn_runs, few, field_and_level
from autoscore.figures.style import PAGE, save, subplots, title
from autoscore.samplers.registry import SAMPLERS

SHOWN = 1500  # draws per panel
PANELS = 9
DOTS = {"markersize": 1.1, "markeredgewidth": 0, "rasterized": True}

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="in ten and a hundred dimensions, true and sampled pairs of neighbouring coordinates "
    "(the first nine of them); coverage is the least over all pairs. Draws and numbers are of one "
    "training, the first seed; the checks judge all, beside null models",
    scope=Charted("draws in pairs of neighbouring coordinates (d > 2)", least=3),
    reads=RUNS,
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Draw the pairs (x_i, x_{i+1}) of independent draws above those of the plan's first run."""
    arrays, runs = drawn_runs(inputs, settings["plan"])
    run, reference = runs.iloc[0], arrays["reference"]
    drawn = arrays[run["chains"]].reshape(-1, reference.shape[1])
    count = min(PANELS, reference.shape[1] - 1)
    figure, axes = subplots(2, count, figsize=(PAGE, 2.4), sharex="col", sharey="col")
    for row, draws, color in zip(axes, (reference, drawn), ("black", "#0072B2"), strict=True):
        shown = few(draws, SHOWN)
        for k, axis in enumerate(row):
            axis.plot(shown[:, k], shown[:, k + 1], ".", color=color, **DOTS)
            axis.set(xticks=[], yticks=[])
            axis.set_title(f"$x_{{{k}}}, x_{{{k + 1}}}$", fontsize=6)
    axes[0, 0].set_ylabel("independent draws", fontsize=6)
    axes[1, 0].set_ylabel(SAMPLERS[run["sampler"]].label, fontsize=6)
    short = run["mean_log_p_floor"] - run["mean_log_p"]
    figure.suptitle(
        f"{title(run['density'])}, {field_and_level(run)}, seed {run['seed']:g}:\n"
        f"mean log p {short:.2f} nats below that of the data; "
        f"least coverage of a pair {run['coverage']:.3f} (independent {run['coverage_floor']:.3f})",
        fontsize=7,
    )
    save(figure, outputs)
