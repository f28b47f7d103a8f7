"""Reconstruction fields on images, in pixels, at any noise level that a trained model knows."""

import numpy as np

from autoscore.fields import Field, FieldAt
from autoscore.optimum.linear import LinearOptimum
from autoscore.train.stack import Stack


class PrincipalField(Field):
    """The field `inner` of the leading principal coordinates, the linear optimum of all others."""

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
    """The same field in pixels: x is turned to principal coordinates, and r back."""

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


def fields_at(stack: Stack, linear: LinearOptimum, *, principal: bool = False) -> FieldAt:
    """Return a function of sigma that returns a trained stack's field there, in pixels.

    Separate auto-encoders raise ValueError at levels other than their own. A conditioned stack's
    field may stay in `principal` coordinates.
    """
    if stack.separate:
        return lambda sigma: stack.field(sigma, int(stack.seeds[0]), float(stack.sizes[0]))
    turned = PrincipalField if principal else PixelField
    return lambda sigma: turned(stack.field(sigma), linear)
