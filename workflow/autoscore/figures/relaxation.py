"""An animation of chains that relax to the data."""

import numpy as np

from autoscore.figures.declaration import RUNS, SAMPLING, Charted, Figure, animation_speed
from autoscore.figures.runs import drawn_runs
from autoscore.figures.style import COLUMN, Artist, animate, subplots
from autoscore.samplers.registry import SAMPLERS

FIGURE = Figure(
    section=SAMPLING,
    shows=("C7",),
    caption="chains relax to the data",
    scope=Charted("an animation of the first run (d = 2)", least=2, most=2),
    reads=RUNS,
    settings=animation_speed,
    formats=("gif",),
)


def draw(inputs: dict[str, str], outputs: dict[str, str], settings: dict) -> None:
    """Animate all chains of the plan's first run, from their starts on."""
    arrays, runs = drawn_runs(inputs, settings["plan"])
    run = runs.iloc[0]
    draws, reference = arrays[run["chains"]], arrays["reference"]
    figure, axis = subplots(figsize=(COLUMN, COLUMN))
    axis.plot(*reference[:2000].T, ".", color="#E69F00", markersize=1.0, markeredgewidth=0)
    (dots,) = axis.plot([], [], ".", color="#0072B2", markersize=3, markeredgewidth=0)
    reach = 1.6 * np.abs(reference).max()
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$x_1$", ylabel="$x_2$")
    axis.set_aspect("equal")

    def show(frame: int) -> list[Artist]:
        dots.set_data(*draws[:, frame].T)
        text = f"{SAMPLERS[run['sampler']].label}, learned, σ = {run['sigma']:g}: draw {frame + 1}"
        return [dots, axis.set_title(text)]

    animate(figure, show, draws.shape[1], outputs["gif"], settings["frames_per_second"])
