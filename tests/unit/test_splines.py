"""Splines on an even grid against FITPACK's and against the function itself."""

import numpy as np
import pytest
from scipy.interpolate import RectBivariateSpline

from autoscore.numerics.splines import PlaneSpline

AXES = [np.linspace(-3.0, 3.0, 121), np.linspace(1.0, 4.0, 81)]
X = np.random.default_rng(0).uniform([-2.5, 1.5], [2.5, 3.5], (500, 2))


def wavy(x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
    """Return a smooth function whose slope does not vanish at the grid's edge."""
    return np.sin(2.0 * x1) * np.cos(3.0 * x2) + x1


def test_a_spline_is_as_near_as_fitpacks_away_from_the_edge() -> None:
    values = wavy(*np.meshgrid(*AXES, indexing="ij"))
    error = np.abs(PlaneSpline(AXES, values)(X) - wavy(*X.T)).max()
    oracle = RectBivariateSpline(*AXES, values).ev(*X.T)
    assert error < 1.01 * np.abs(oracle - wavy(*X.T)).max()
    assert PlaneSpline(AXES, values)(X) == pytest.approx(oracle, abs=1e-7)


def test_a_spline_goes_through_its_values() -> None:
    values = np.random.default_rng(1).standard_normal((121, 81))
    grid = np.stack(np.meshgrid(*AXES, indexing="ij"), axis=-1).reshape(-1, 2)
    assert PlaneSpline(AXES, values)(grid) == pytest.approx(values.ravel(), abs=1e-10)
