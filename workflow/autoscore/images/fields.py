"""Fields of images: what was trained, in pixels, at any noise level that it knows."""

from collections.abc import Callable

import numpy as np

from autoscore.autoencoders.corrected import Corrected
from autoscore.autoencoders.ensemble import Ensemble
from autoscore.fields import Field
from autoscore.linear import LinearOptimum

FieldAt = Callable[[float], Field]


class PixelField(Field):
    """A field of the k leading principal coordinates, and the linear optimum of all others.

    Parameters
    ----------
    inner
        The field r of the leading coordinates, k = ``inner.dim``.
    linear
        Whose axes the coordinates are along.
    """

    def __init__(self, inner: Field, linear: LinearOptimum) -> None:
        self.sigma, self.dim = inner.sigma, len(linear.mean)
        self._inner, self._linear = inner, linear
        rest = linear.variances[inner.dim :]
        self._gain = rest / (rest + self.sigma**2)
        # turning in single precision, which is that of the network, takes half the time
        self._axes = linear.axes.astype(np.float32)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        k = self._inner.dim
        z = (x - self._linear.mean).astype(np.float32) @ self._axes
        z[:, :k] = self._inner(z[:, :k])
        z[:, k:] *= self._gain
        return z @ self._axes.T + self._linear.mean

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        k, axes = self._inner.dim, self._linear.axes
        leading = self._inner.jacobian((x - self._linear.mean) @ axes[:, :k])
        rest = (axes[:, k:] * self._gain) @ axes[:, k:].T
        return axes[:, :k] @ leading @ axes[:, :k].T + rest


def fields_at(stack: Ensemble | Corrected, linear: LinearOptimum) -> FieldAt:
    """Return what gives the field of a trained stack at a noise level, in pixels.

    Separate auto-encoders answer at their own levels alone, and raise ValueError at others.
    """
    if isinstance(stack, Corrected):
        return lambda sigma: PixelField(stack.field(sigma), linear)
    return lambda sigma: stack.field(sigma, int(stack.seeds[0]), float(stack.sizes[0]))
