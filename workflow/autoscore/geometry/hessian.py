"""The Jacobian of the reconstruction as a Hessian of log p, and as a tangent plane (C5)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.densities.curves import Curve
from autoscore.fields import Field
from autoscore.numerics.errors import share
from autoscore.wording import require


def hessian_error(field: Field, density: Density, x: np.ndarray, weights: np.ndarray) -> float:
    """Return E|(dr/dx - I)/sigma^2 - Hess log p|^2 / E|Hess log p|^2, in Frobenius norms.

    Parameters
    ----------
    field
        The reconstruction.
    density
        What the Hessian is held against: the clean p, or ``p.smoothed(field.sigma)``, against
        which all of the error is one of estimation.
    x, weights
        Points ``(n, d)`` and weights ``(n,)`` of both expectations.

    Raises
    ------
    ValueError
        If there are no points.
    """
    require("the error of a Hessian", len(x))
    exact = density.hessian(x)
    difference = weights @ ((field.hessian(x) - exact) ** 2).sum((1, 2))
    return share(difference, weights @ (exact**2).sum((1, 2)))


def tangent_table(fields: Mapping[str, Field], curve: Curve, t: np.ndarray) -> pd.DataFrame:
    """Compare the leading eigenvector of dr/dx on a curve with the curve's tangent.

    It belongs to the largest eigenvalue of the symmetric part of dr/dx, the one nearest to 1 on
    a manifold.

    Parameters
    ----------
    fields
        Fields by the names that the rows get, the exact one among them for comparison.
    curve
        The curve.
    t
        Parameters of the points, shape ``(n,)``.

    Returns
    -------
    pandas.DataFrame
        A row for each field and t: ``field``, ``t``, the leading ``eigenvalue``, the next one,
        ``second``, and the ``cosine``, in absolute value, of eigenvector and tangent.
    """
    x, tangent = curve.point(t), curve.velocity(t)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    parts = []
    for name, field in fields.items():
        slope = field.jacobian(x)
        values, vectors = np.linalg.eigh(0.5 * (slope + np.swapaxes(slope, 1, 2)))
        parts.append(
            pd.DataFrame(
                {
                    "field": name,
                    "t": t,
                    "eigenvalue": values[:, -1],
                    "second": values[:, -2],
                    "cosine": np.abs((vectors[:, :, -1] * tangent).sum(1)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
