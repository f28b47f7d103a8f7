"""Gaussian mixtures along a random curve, the authors' d-dimensional target."""

import numpy as np

from autoscore.densities.declaration import Kind, number
from autoscore.densities.mixtures import GaussianMixture
from autoscore.numerics.streams import generator

COMPONENTS = 25
RANGE = 2, 10_000  # of d and of the number of components


def curve_mixture(dim: int, components: int = COMPONENTS, seed: int = 0) -> GaussianMixture:
    """Return equal Gaussians, two or more in d >= 2, along a curve, each stretched to the next.

    Coordinate i of the mean at t is sin(2 pi f_i t)^e_i with f_i ~ U(-1, 1) and e_i 1 or 2, for
    even t on [0, 1]. With v the step to the next mean (for the last, from the one before), the
    variance is |v|^2 along v and (|v| / 10)^2 across it. `seed` draws the f_i and e_i.
    """
    rng = generator(seed, "curve_mixture", dim)
    frequency = rng.uniform(-1.0, 1.0, dim)
    exponent = rng.integers(1, 3, dim)
    t = np.linspace(0.0, 1.0, components)[:, None]
    means = np.sin(2.0 * np.pi * frequency * t) ** exponent
    ahead = np.diff(means, axis=0)
    ahead = np.concatenate([ahead, ahead[-1:]])
    squared = (ahead**2).sum(1)[:, None, None]
    along = ahead[:, :, None] * ahead[:, None, :]  # |v|^2 times the projection onto v
    covariances = along + 0.01 * (squared * np.eye(dim) - along)
    return GaussianMixture(np.ones(components), means, covariances)


KIND = Kind(
    name="curve_mixture",
    about="its dimension, number of components and curve_seed; equal Gaussians along a random "
    "curve, stretched along it",
    properties={
        "dimension": number(
            "Dimension d of a mixture along a curve, a whole number >= 2, at most 10000.",
            *RANGE,
            whole=True,
        ),
        "components": number(
            "Components of a mixture along a curve, a whole number >= 2, at most 10000; 25 if not "
            "given.",
            *RANGE,
            whole=True,
        ),
        "curve_seed": number(
            "Seed of the random curve along which a mixture lies, a whole number >= 0, below "
            "2^63; 0 if not given.",
            0,
            2**63 - 1,
            whole=True,
        ),
    },
    make=lambda entry: curve_mixture(
        entry["dimension"], entry.get("components", COMPONENTS), entry.get("curve_seed", 0)
    ),
    dimension=lambda entry: entry["dimension"],
    required=("dimension",),
)
