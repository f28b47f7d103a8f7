"""Images as later stages see them: numbers from 0 to 1, and their linear optimum."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autoscore.images.sources import ImageData
from autoscore.optimum.linear import LinearOptimum

PARTS = ("train", "validation", "held_out")
LINEAR = ("mean", "variances", "axes")


@dataclass(frozen=True)
class Images:
    """Labelled images of shape ``(n, d)``, between 0 and 1, in single precision.

    `labels` has those of each part, ``(n,)``; `shape` is height and width; `linear` is the linear
    optimum of the training images, and `name` stands in titles.
    """

    train: np.ndarray
    validation: np.ndarray
    held_out: np.ndarray
    labels: dict[str, np.ndarray]
    shape: tuple[int, int]
    linear: LinearOptimum
    name: str


def intensities(pixels: np.ndarray, white: int) -> np.ndarray:
    """Return pixels as ``float32`` between 0 (black) and 1 (white)."""
    return pixels.astype(np.float32) / np.float32(white)


def stored(found: ImageData) -> dict[str, np.ndarray]:
    """Return the arrays to store: acquired images, their provenance, and the linear optimum.

    The axes of the covariance are found once, here: another machine may turn them differently,
    and what is trained in their coordinates must be used in the same.
    """
    linear = LinearOptimum.fit(intensities(found.arrays["train"], found.arrays["white"]))
    arrays = found.arrays | {"provenance": np.array(list(found.provenance.items()))}
    return arrays | {f"linear_{name}": getattr(linear, name) for name in LINEAR}


def restored(arrays: Mapping[str, np.ndarray]) -> Images:
    """Return the images of which `stored` made the arrays."""
    return Images(
        **{part: intensities(arrays[part], arrays["white"]) for part in PARTS},
        labels={part: arrays[f"{part}_labels"] for part in PARTS},
        shape=tuple(arrays["shape"].tolist()),
        linear=LinearOptimum(*(arrays[f"linear_{name}"] for name in LINEAR)),
        name=dict(arrays["provenance"].tolist())["name"],
    )
