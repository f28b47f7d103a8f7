"""Fields of images: what was trained, in pixels, at any noise level that it knows."""

from collections.abc import Callable

import numpy as np

from autoscore.fields import Field
from autoscore.optimum.linear import LinearOptimum
from autoscore.train.stack import Stack

FieldAt = Callable[[float], Field]


class PrincipalField(Field):
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
        rest = linear.variances[inner.dim :]
        self._inner, self._gain = inner, rest / (rest + self.sigma**2)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        k = self._inner.dim
        return np.concatenate([self._inner(x[:, :k]), x[:, k:] * self._gain], axis=1)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        k = self._inner.dim
        slope = np.tile(np.diag(np.append(np.zeros(k), self._gain)), (len(x), 1, 1))
        slope[:, :k, :k] = self._inner.jacobian(x[:, :k])
        return slope


class PixelField(Field):
    """The same in pixels: turned to principal coordinates, and back.

    Parameters
    ----------
    inner, linear
        As for `PrincipalField`.
    """

    def __init__(self, inner: Field, linear: LinearOptimum) -> None:
        self._principal = PrincipalField(inner, linear)
        self.sigma, self.dim = inner.sigma, self._principal.dim
        self._linear = linear
        # turning in single precision, which is that of the network, takes half the time
        self._axes = linear.axes.astype(np.float32)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        z = (x - self._linear.mean).astype(np.float32) @ self._axes
        return self._principal(z).astype(np.float32) @ self._axes.T + self._linear.mean

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        axes = self._linear.axes
        return axes @ self._principal.jacobian((x - self._linear.mean) @ axes) @ axes.T


def fields_at(stack: Stack, linear: LinearOptimum) -> FieldAt:
    """Return what gives the field of a trained stack at a noise level, in pixels.

    Separate auto-encoders answer at their own levels alone, and raise ValueError at others.
    """
    if stack.separate:
        return lambda sigma: stack.field(sigma, int(stack.seeds[0]), float(stack.sizes[0]))
    return lambda sigma: PixelField(stack.field(sigma), linear)


def principal_fields_at(stack: Stack, linear: LinearOptimum) -> FieldAt:
    """Return what gives the field of a conditioned stack at a noise level, in these coordinates."""
    return lambda sigma: PrincipalField(stack.field(sigma), linear)
