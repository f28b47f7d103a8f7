"""The points of a user's file, in the units in which they are learned and in the user's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from autoscore.densities.declaration import MATRIX, POINTS, Kind, array
from autoscore.densities.kernels import KernelDensity
from autoscore.files.tables import read_table

COMPARED = 10_000  # points at most whose nearest neighbours are looked for
LEVELS = 8  # of a noise grid that is chosen for the data
NARROWEST = 4.0  # smallest factor between its ends
UNLIKE = 30.0  # ratio of spreads from which no noise suits two columns at once


@dataclass(frozen=True)
class Units:
    """How learned coordinates z become the user's, x = centre + spread z.

    Centre and spread ``(d,)`` are 0 and 1 unless columns are standardised; d titles name the
    coordinates.
    """

    centre: np.ndarray
    spread: np.ndarray
    titles: tuple[str, ...]

    def inward(self, x: np.ndarray) -> np.ndarray:
        """Return z, shape ``(..., d)``."""
        return (x - self.centre) / self.spread

    def outward(self, z: np.ndarray) -> np.ndarray:
        """Return x, shape ``(..., d)``."""
        return self.centre + self.spread * z

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return the units as arrays to store with the data."""
        return {"centre": self.centre, "spread": self.spread, "titles": np.array(self.titles)}

    @classmethod
    def stored(cls, data: dict[str, np.ndarray]) -> "Units":
        """Return the units that `as_arrays` stored; without any, plain ones for a known density."""
        d = data["train"].shape[-1]
        if "titles" not in data:
            names = ["x"] if d == 1 else [f"x_{axis + 1}" for axis in range(d)]
            return cls(np.zeros(d), np.ones(d), tuple(f"${name}$" for name in names))
        return cls(data["centre"], data["spread"], tuple(data["titles"].tolist()))


@dataclass(frozen=True)
class Sample:
    """Points ``(n, d)`` of a file as they are learned, and how many rows lacked a value."""

    points: np.ndarray
    units: Units
    dropped: int


def load_sample(entry: Mapping) -> Sample:
    """Read the file of an entry of kind samples, as `read_table` does, which raises ValueError.

    The last few files are remembered until they change.
    """
    columns = tuple(entry["columns"]) if "columns" in entry else None
    options = (columns, entry.get("missing", "refuse"), entry.get("scale", "none"))
    return _load(entry["path"], *options, _stamp(entry["path"]))


@lru_cache(maxsize=16)
def _load(
    path: str, columns: tuple[str, ...] | None, missing: str, scale: str, stamp: tuple | None
) -> Sample:
    table = read_table(path, columns, missing)
    d = table.points.shape[1]
    titles = table.titles or Units.stored({"train": table.points}).titles
    units = Units(np.zeros(d), np.ones(d), titles)
    if scale == "columns":
        spread = table.points.std(0)
        units = Units(table.points.mean(0), np.where(spread > 0, spread, 1.0), titles)
    return Sample(units.inward(table.points), units, table.dropped)


def _stamp(path: str) -> tuple | None:
    """Return numbers that change when the file does."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):  # reading the file will say why
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


@dataclass(frozen=True)
class Lengths:
    """Between which lengths the noise levels of a sample make sense.

    `nearest` is the median distance from a point to its nearest different neighbour: with much less
    noise only the points themselves can be learned. `spread` is the root mean variance of the
    coordinates: much more noise leaves only a Gaussian.
    """

    nearest: float
    spread: float

    @classmethod
    def of(cls, points: np.ndarray) -> "Lengths":
        """Return the lengths of points of shape ``(n, d)``."""
        from scipy.spatial import cKDTree  # half a second, which most plans spare

        spread = float(np.sqrt(points.var(0).mean()))
        places = np.unique(points[:COMPARED], axis=0)
        apart = cKDTree(places).query(places, k=2)[0][:, 1] if len(places) > 1 else [spread]
        return cls(float(np.median(apart)), spread)

    def grid(self) -> dict[str, float | int]:
        """Return a noise grid between the two, to two digits; raise ValueError if both are 0."""
        if not self.spread > 0:
            raise ValueError("points at one place have no lengths that a noise grid could fit")
        low = min(self.nearest, self.spread / NARROWEST)
        return {"low": rounded(low), "high": rounded(self.spread), "count": LEVELS}


def rounded(length: float, digits: int = 2) -> float:
    """Return a length to so many significant digits."""
    return float(f"{length:.{digits}g}")


def _make(entry: Mapping) -> KernelDensity:
    if "path" in entry:
        return KernelDensity(load_sample(entry).points)
    return KernelDensity(np.asarray(entry["points"], dtype=float))


def _dimension(entry: Mapping) -> int:
    if "path" in entry:
        return len(entry.get("columns", ())) or load_sample(entry).points.shape[1]
    return len(entry["points"][0])


KIND = Kind(
    name="samples",
    about="the path of a .npy or .csv file of shape (n, d), or the points themselves",
    properties={
        "path": {
            "description": "File of samples, .npy or .csv, of shape (n, d); relative to where "
            "snakemake runs. A .csv is UTF-8, with commas between the cells, decimal points and "
            "perhaps one line of titles.",
            "type": "string",
        },
        "columns": array(
            "Titles of the columns of a .csv that are the coordinates, in this order; all columns "
            "if not given. The others may hold text.",
            {"description": "a title, in quotation marks if it is a number", "type": "string"},
            maxItems=10_000,
            uniqueItems=True,
        ),
        "missing": {
            "description": "What is done with a row of a file that lacks a value in one of its "
            "columns (an empty cell, NA, NaN or null): refuse the file, or drop the row; refuse "
            "if not given.",
            "enum": ["refuse", "drop"],
        },
        "scale": {
            "description": "Units of the coordinates of a sample file in two or more dimensions. "
            "none: as they are. columns: each column in its own standard deviations from its mean, "
            "for columns of different units; noise levels then are numbers of standard "
            "deviations, and results are in the file's units.",
            "enum": ["none", "columns"],
        },
        "points": MATRIX
        | {
            "description": "Samples written out, one list of d numbers per point; all of them are "
            "trained on.",
        },
    },
    make=_make,
    dimension=_dimension,
    exactly_one_of=(("path", "points"),),
    traits=frozenset({POINTS}),
    is_degenerate=lambda entry: True,
)
