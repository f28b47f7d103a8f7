"""Noise grids that fit the data: chosen for them, given relative to them, or told to be far off."""

from collections.abc import Iterator

import numpy as np

from autoscore.densities.kernels import KernelDensity
from autoscore.densities.registry import make_density
from autoscore.densities.samples import COMPARED, UNLIKE, Lengths, Sample, load_sample, rounded
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator

FAR = 10.0  # times below or above the lengths of the data at which noise has nothing to show
WIDE = 1e4  # times the largest noise level that a known density may be wide


def fit_grids(entry: dict) -> None:
    """Turn all noise grids of a density's training, in place, into noise levels in its own units.

    A grid may be ``auto``, from the points' nearest neighbours to their spread, or have ``relative:
    true``, in units of the spread.

    Raises
    ------
    ValueError
        If the density cannot be made.
    """
    train = entry["train"]
    parts = [train, *train["variants"].values()]
    for part in parts:
        if part["sigmas"] == "auto" or _is_relative(part["sigmas"]):
            part["sigmas"] = _fitted(part["sigmas"], lengths_of(entry))
    if "path" in entry:
        low, high = noise_levels(train["sigmas"])[[0, -1]]
        # where details show: a third of the way up
        entry["shown"].setdefault("sigma", rounded(low ** (2 / 3) * high ** (1 / 3)))


def _is_relative(grid: dict | list) -> bool:
    return isinstance(grid, dict) and "relative" in grid


def _fitted(grid: dict | str, lengths: Lengths) -> dict:
    if grid == "auto":
        return lengths.grid()
    unit = lengths.spread if grid["relative"] else 1.0
    ends = {end: rounded(unit * grid[end], 3) for end in ("low", "high")}
    return ends | {"count": grid["count"]}


def lengths_of(entry: dict) -> Lengths:
    """Return the lengths of the points that a density is learned from, or of draws like them."""
    density = make_density(entry)
    if isinstance(density, KernelDensity):
        return Lengths.of(density.points)
    sizes = [size for size in entry["train"]["sizes"] if isinstance(size, int)]
    drawn = min(max(sizes, default=COMPARED), COMPARED)
    return Lengths.of(density.sample(max(drawn, 2), generator(0, "lengths")))


def cautions(name: str, entry: dict) -> Iterator[str]:
    """Yield what is likely to disappoint in how a density is trained, in sentences.

    Parameters
    ----------
    name, entry
        The density's name and its completed configuration.
    """
    levels = noise_levels(entry["train"]["sigmas"])
    told = f"densities.{name}.train.sigmas runs from {levels[0]:.3g} to {levels[-1]:.3g}"
    if "path" not in entry:
        width = float(np.ptp(make_density(entry).support, axis=1).max())
        if levels[-1] < width / WIDE or levels[0] > width:
            yield f"{told}, for a density that is {width:.3g} wide. Try sigmas: auto."
        return
    sample = load_sample(entry)
    lengths = Lengths.of(sample.points)
    if levels[-1] < lengths.nearest / FAR:
        yield (
            f"{told}, far below the distance between neighbouring points, {lengths.nearest:.3g}: "
            "the best auto-encoder returns the training points. Try sigmas: auto."
        )
    elif levels[0] > FAR * lengths.spread:
        yield (
            f"{told}, far above the spread of the points, {lengths.spread:.3g}: the best "
            "auto-encoder returns their mean. Try sigmas: auto."
        )
    yield from _unlike_columns(name, entry["path"], sample)


def _unlike_columns(name: str, path: str, sample: Sample) -> Iterator[str]:
    """Yield which columns have next to nothing to do with noise of one size."""
    titles, spreads = sample.units.titles, sample.points.std(0)
    for title in np.array(titles)[spreads == 0]:
        yield f"densities.{name}: column {title} of {path} never varies."
    least, most = np.where(spreads > 0, spreads, np.inf).argmin(), spreads.argmax()
    if spreads[most] > UNLIKE * spreads[least] > 0:
        yield (
            f"densities.{name}: the spread of column {titles[most]} is "
            f"{spreads[most] / spreads[least]:.0f} times that of column {titles[least]}, and noise "
            "has one size for all. Try scale: columns, which measures every column in its own "
            "standard deviations."
        )
