"""From an entry of the configuration to a density."""

import numpy as np

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.mixtures import GaussianMixture, curve_mixture
from autoscore.densities.samples import load_sample


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
            return KernelDensity(load_sample(entry).points)
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
        case {"path": _}:
            return len(entry.get("columns", ())) or load_sample(entry).points.shape[1]
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
