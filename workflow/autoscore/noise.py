"""Noise grids that fit the data, and warnings about those that do not."""

from collections.abc import Iterator

import numpy as np

from autoscore.densities.kernels import KernelDensity
from autoscore.densities.registry import make_density
from autoscore.densities.samples import COMPARED, UNLIKE, Lengths, Sample, load_sample, rounded
from autoscore.numerics.grids import noise_levels
from autoscore.numerics.streams import generator

FAR = 10.0  # factor below or above the lengths of the data beyond which noise shows nothing
WIDE = 1e4  # largest width of a known density in units of its largest noise level


def fit_grids(entry: dict) -> None:
    """Turn all noise grids of a density's training, in place, into levels in its own units.

    A grid may be ``auto``, from the points' nearest neighbours to their spread, or have ``relative:
    true``, in units of the spread. Raises ValueError if the density cannot be made.
    """
    train = entry["train"]
    for part in (train, *train["variants"].values()):
        grid = part["sigmas"]
        if grid == "auto":
            part["sigmas"] = _lengths(entry).grid()
        elif isinstance(grid, dict) and "relative" in grid:
            unit = _lengths(entry).spread if grid["relative"] else 1.0
            ends = {end: rounded(unit * grid[end], 3) for end in ("low", "high")}
            part["sigmas"] = ends | {"count": grid["count"]}
    if "path" in entry:
        low, high = noise_levels(train["sigmas"])[[0, -1]]
        # where details show: a third of the way up
        entry["shown"].setdefault("sigma", rounded(low ** (2 / 3) * high ** (1 / 3)))


def _lengths(entry: dict) -> Lengths:
    """Return the lengths of the points that a density is learned from, or of draws like them."""
    density = make_density(entry)
    if isinstance(density, KernelDensity):
        return Lengths.of(density.points)
    sizes = [size for size in entry["train"]["sizes"] if isinstance(size, int)]
    drawn = min(max(sizes, default=COMPARED), COMPARED)
    return Lengths.of(density.sample(max(drawn, 2), generator(0, "lengths")))


def cautions(name: str, entry: dict) -> Iterator[str]:
    """Yield, in sentences, what is likely to disappoint in how a completed density is trained."""
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
    yield from _column_cautions(name, entry["path"], sample)


def _column_cautions(name: str, path: str, sample: Sample) -> Iterator[str]:
    titles, spreads = sample.units.titles, sample.points.std(0)
    for title in np.array(titles)[spreads == 0]:
        yield f"densities.{name}: column {title} of {path} never varies."
    least, most = np.where(spreads > 0, spreads, np.inf).argmin(), spreads.argmax()
    if spreads[most] > UNLIKE * spreads[least] > 0:
        yield (
            f"densities.{name}: the spread of column {titles[most]} is "
            f"{spreads[most] / spreads[least]:.0f} times that of column {titles[least]}, but noise "
            "has the same size in all. Try scale: columns, which measures each column in units of "
            "its own standard deviation."
        )
