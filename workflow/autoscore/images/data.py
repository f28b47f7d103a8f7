"""Images as the stages after the first see them: numbers from 0 to 1, and their linear optimum."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autoscore.images.sources import ImageData, intensities
from autoscore.optimum.linear import LinearOptimum

PARTS = ("train", "validation", "held_out")


@dataclass(frozen=True)
class Images:
    """Labelled images.

    Attributes
    ----------
    train, validation, held_out : numpy.ndarray
        Shape ``(n, d)``, between 0 and 1, in single precision.
    labels : dict
        Those of each part, shape ``(n,)``.
    shape : tuple of int
        Height and width.
    linear : LinearOptimum
        Of the training images.
    name : str
        What titles call them.
    """

    train: np.ndarray
    validation: np.ndarray
    held_out: np.ndarray
    labels: dict[str, np.ndarray]
    shape: tuple[int, int]
    linear: LinearOptimum
    name: str


def stored(found: ImageData) -> dict[str, np.ndarray]:
    """Return what is kept of acquired images: they, their provenance, and the linear optimum.

    The axes of the covariance are found once, here: another machine may turn them differently,
    and what is trained in their coordinates must be used in the same.
    """
    linear = LinearOptimum.fit(intensities(found.arrays["train"], found.arrays["white"]))
    arrays = dict(found.arrays) | {"provenance": np.array(list(found.provenance.items()))}
    parts = {"mean": linear.mean, "variances": linear.variances, "axes": linear.axes}
    return arrays | {f"linear_{name}": part for name, part in parts.items()}


def provenance(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Return where stored images are from: dataset, name, source and reason."""
    return dict(arrays["provenance"].tolist())


def restored(arrays: Mapping[str, np.ndarray]) -> Images:
    """Return the images of which `stored` made the arrays."""
    parts = {part: intensities(arrays[part], arrays["white"]) for part in PARTS}
    labels = {part: arrays[f"{part}_labels"] for part in PARTS}
    linear = LinearOptimum(*(arrays[f"linear_{name}"] for name in ("mean", "variances", "axes")))
    height, width = arrays["shape"].tolist()
    name = provenance(arrays)["name"]
    return Images(**parts, labels=labels, shape=(height, width), linear=linear, name=name)
