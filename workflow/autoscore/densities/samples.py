"""The points of a user's file, as they are trained on and as results are told in its units."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from autoscore.densities.declaration import POINTS, Kind
from autoscore.densities.kernels import KernelDensity
from autoscore.files.tables import read_table

COMPARED = 10_000  # points at most whose nearest neighbours are looked for
LEVELS = 8  # of a noise grid that is chosen for the data
NARROWEST = 4.0  # factor between its ends, at least
UNLIKE = 30.0  # ratio of spreads from which on noise of one size suits no two columns


@dataclass(frozen=True)
class Units:
    """How coordinates that are learned become those of the user, x = centre + spread z.

    Attributes
    ----------
    centre, spread
        Shape ``(d,)``: 0 and 1, unless columns are standardised.
    titles
        What the coordinates are called, d of them.
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
        """Return the units as they are stored beside the data."""
        return {"centre": self.centre, "spread": self.spread, "titles": np.array(self.titles)}

    @classmethod
    def stored(cls, data: dict[str, np.ndarray]) -> "Units":
        """Return the units that `as_arrays` stored, or those of a density that is known."""
        d = data["train"].shape[-1]
        if "titles" not in data:
            names = ["x"] if d == 1 else [f"x_{axis + 1}" for axis in range(d)]
            return cls(np.zeros(d), np.ones(d), tuple(f"${name}$" for name in names))
        return cls(data["centre"], data["spread"], tuple(data["titles"].tolist()))


@dataclass(frozen=True)
class Sample:
    """The points of a file.

    Attributes
    ----------
    points
        As they are learned, shape ``(n, d)``.
    units
        How they are told.
    dropped
        Rows that were left out because a value is missing.
    """

    points: np.ndarray
    units: Units
    dropped: int


def load_sample(entry: dict) -> Sample:
    """Read the file of an entry of kind samples; the last few that were read are remembered.

    Raises
    ------
    ValueError
        If it cannot be read; see `autoscore.files.tables.read_table`.
    """
    columns = tuple(entry["columns"]) if "columns" in entry else None
    asked = (columns, entry.get("missing", "refuse"), entry.get("scale", "none"))
    return _load(entry["path"], *asked, _stamp(entry["path"]))


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
    """Return what changes where a file does."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):  # reading the file says why
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


@dataclass(frozen=True)
class Lengths:
    """Between which lengths the noise levels of a sample make sense.

    Attributes
    ----------
    nearest
        Median distance from a point to its nearest neighbour that is another place: noise far below
        it leaves nothing to learn but the points themselves.
    spread
        Root of the mean variance of the coordinates: in noise far above it a Gaussian is all there
        is to learn.
    """

    nearest: float
    spread: float

    @classmethod
    def of(cls, points: np.ndarray) -> "Lengths":
        """Return the lengths of points, ``(n, d)``, not all of them the same."""
        from scipy.spatial import cKDTree  # half a second, which most plans spare

        spread = float(np.sqrt(points.var(0).mean()))
        places = np.unique(points[:COMPARED], axis=0)
        apart = cKDTree(places).query(places, k=2)[0][:, 1] if len(places) > 1 else [spread]
        return cls(float(np.median(apart)), spread)

    def grid(self) -> dict[str, float | int]:
        """Return a noise grid from the one to the other, in numbers of two digits.

        Raises
        ------
        ValueError
            If both are 0, as they are of points at one place.
        """
        if not self.spread > 0:
            raise ValueError("points at one place have no lengths that a noise grid could fit")
        low = min(self.nearest, self.spread / NARROWEST)
        return {"low": rounded(low), "high": rounded(self.spread), "count": LEVELS}


def rounded(length: float, digits: int = 2) -> float:
    """Return a length with so many significant digits."""
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
    keys={
        "path": {
            "description": (
                "File of samples, .npy or .csv, of shape (n, d); relative to where snakemake runs. "
                "A .csv is UTF-8, with commas between the cells, decimal points and perhaps one "
                "line of titles."
            ),
            "type": "string",
        },
        "columns": {
            "description": (
                "Titles of the columns of a .csv that are the coordinates, in this order; all "
                "columns if not given. The others may hold text."
            ),
            "type": "array",
            "minItems": 1,
            "maxItems": 10000,
            "uniqueItems": True,
            "items": {
                "description": "a title, in quotation marks if it is a number",
                "type": "string",
            },
        },
        "missing": {
            "description": (
                "What is done with a row of a file that lacks a value in one of its columns, where "
                "there is nothing, NA, NaN or null: refuse the file, or drop the row; refuse if "
                "not given."
            ),
            "enum": ["refuse", "drop"],
        },
        "scale": {
            "description": (
                "In what the coordinates of a sample file in two or more dimensions are measured. "
                "none: as they are. columns: each in its own standard deviations from its mean, "
                "for columns of different units; noise levels then are numbers of standard "
                "deviations, and results are told in the file's units."
            ),
            "enum": ["none", "columns"],
        },
        "points": {
            "description": (
                "Samples written out, one list of d numbers per point; all of them are trained on."
            ),
            "$ref": "#/$defs/matrix",
        },
    },
    make=_make,
    dimension=_dimension,
    either=(("path", "points"),),
    traits=frozenset({POINTS}),
    is_degenerate=lambda entry: True,
)
