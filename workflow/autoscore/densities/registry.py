"""From an entry of the configuration to a density."""

import re
from pathlib import Path

import numpy as np

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.mixtures import GaussianMixture, curve_mixture


def make_density(entry: dict) -> Density:
    """Return the density that a configuration entry describes.

    Parameters
    ----------
    entry
        One value of ``densities`` in the configuration: a ``kind`` and what belongs to it.

    Raises
    ------
    ValueError
        If the numbers do not describe a density, or a file cannot be read.
    """
    match entry["kind"]:
        case "mixture":
            return _make_mixture(entry)
        case "curve_mixture":
            return curve_mixture(
                entry["dimension"], entry.get("components", 25), entry.get("curve_seed", 0)
            )
        case "energy":
            from autoscore.densities.energies import EnergyDensity  # SymPy takes half a second

            return EnergyDensity(entry["expression"], entry["bounds"])
        case "curve":
            from autoscore.densities.curves import Curve  # SymPy here, too

            return Curve(entry["coordinates"], entry["interval"], entry.get("thickness", 0.0))
        case "samples" if "path" in entry:
            return KernelDensity(read_samples(entry["path"]))
        case "samples":
            return KernelDensity(np.asarray(entry["points"], dtype=float))
    raise ValueError(f"unknown kind of density {entry['kind']!r}")


def dimension(entry: dict) -> int:
    """Return the dimension d of the density that a configuration entry describes."""
    match entry:
        case {"kind": "mixture"}:
            return len(entry["means"][0])
        case {"kind": "curve_mixture", "dimension": d}:
            return d
        case {"kind": "energy"}:
            return len(entry["bounds"])
        case {"kind": "curve"}:
            return len(entry["coordinates"])
        case {"path": path}:
            return read_samples(path).shape[1]
    return len(entry["points"][0])


def _make_mixture(entry: dict) -> GaussianMixture:
    means = np.asarray(entry["means"], dtype=float)
    if "covariances" in entry:
        covariances = np.asarray(entry["covariances"], dtype=float)
    else:
        spread = np.asarray(entry["standard_deviations"], dtype=float)
        if len(spread) != len(means):
            raise ValueError(f"{len(means)} means need as many standard_deviations")
        covariances = spread[:, None, None] ** 2 * np.eye(means.shape[-1])
    return GaussianMixture(entry["weights"], means, covariances)


def read_samples(path: str) -> np.ndarray:
    """Read a sample of shape ``(n, d)`` from a .npy or .csv file.

    A .csv file has commas between its numbers, and may start with one line of column names.

    Raises
    ------
    ValueError
        If the file is missing, of another kind, or not a finite table of
        numbers; the message names the file and what was expected.
    """
    file = Path(path)
    try:
        points = _read_table(file)
        if np.iscomplexobj(points):
            raise ValueError("it must hold real numbers")
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or 0 in points.shape:
            raise ValueError(f"it must have shape (n, d), not {points.shape}")
        if not np.isfinite(points).all():
            raise ValueError("it holds values that are not finite")
        if len(points) > 1 and not np.ptp(points, axis=0).any():
            raise ValueError(f"all of its {len(points)} points are the same")
    except FileNotFoundError:
        raise ValueError(
            f"cannot read samples from {path}: No such file; a path begins in the folder of the "
            f"run, here {Path.cwd()}, or at the root"
        ) from None
    except (OSError, EOFError, ValueError, TypeError) as error:
        raise ValueError(f"cannot read samples from {path}: {error}") from None
    return points


def _read_table(file: Path) -> np.ndarray:
    if file.suffix == ".npy":
        return np.load(file, allow_pickle=False)
    if file.suffix != ".csv":
        raise ValueError("its name must end in .npy or .csv")
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    first = int(_has_titles(lines[:1]))
    rows = [line for line in lines[first:] if line.strip()]
    if not rows:
        raise ValueError("it holds no rows")
    try:
        return np.loadtxt(rows, delimiter=",", ndmin=2, comments=None)
    except ValueError:
        raise ValueError(_first_mistake(lines, first)) from None


def _first_mistake(lines: list[str], first: int) -> str:
    """Return which of the lines of a .csv file, from a first one on, is no row of numbers."""
    width = None
    for number, line in enumerate(lines[first:], start=first + 1):
        cells = line.split(",")
        wrong = next((cell.strip() for cell in cells if not _is_number(cell)), None)
        if not line.strip():
            continue
        if wrong is not None:
            return f"line {number} has {wrong!r} where a number should be, with commas between them"
        width = width or len(cells)
        if len(cells) != width:
            return f"line {number} is a row of {len(cells)}, not of {width} as those before it"
    return "it is no table of numbers"


def _has_titles(first: list[str]) -> bool:
    """Return whether the first line of a .csv file, if there is one, holds no number at all."""
    return not any(_is_number(cell) for line in first for cell in re.split(r"[,;\s]+", line))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
