"""Quadrature finds the mass of a density, however narrow it is in its bounds."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from autoscore.configuration import ConfigurationError, complete
from autoscore.densities.energies import EnergyDensity
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.mixtures import GaussianMixture
from autoscore.numerics.panels import Panels, panels_around, resolve


def squared_score(density):
    x, weights = density.quadrature(30)
    return weights @ (density.score(x) ** 2).sum(1)


def wells(*places):
    """Logarithm of a sum of Gaussians, (mean, standard deviation) each."""
    return lambda x: np.logaddexp.reduce([-0.5 * ((x - m) / s) ** 2 - np.log(s) for m, s in places])


@pytest.mark.parametrize(
    "places",
    [
        [(3.0, 0.1)],
        [(3.0, 1e-6)],
        [(900.0, 1e-2), (-900.0, 0.1)],
        [(0.3, 0.02), (1.0, 30.0)],
        [(-1000.0, 5.0)],  # half of it beyond the end
    ],
)
def test_panels_resolve_wells_of_any_width(places):
    nodes, weights = resolve(wells(*places), -1000.0, 1000.0).rule()
    expected = np.sqrt(2 * np.pi) * (len(places) if places[0][0] > -1000 else 0.5)
    assert weights @ np.exp(wells(*places)(nodes)) == pytest.approx(expected, rel=1e-9)


def test_what_no_panels_resolve_is_refused():
    with pytest.raises(ValueError, match="panels do not resolve it on"):
        resolve(lambda x: np.sin(1e7 * x) * 50, -1.0, 1.0)


def test_panels_around_gaussians_leave_out_what_lies_between():
    panels = panels_around(np.array([-1000.0, 1000.0]), np.array([0.01, 0.5]))
    assert (panels.low[1:] >= panels.high[:-1]).all()
    assert (panels.high - panels.low).sum() < 20
    near = np.abs(panels.low + 1000) < 0.05
    assert (panels.high - panels.low)[near].max() < 0.016
    cut = panels.no_wider_than(0.004)
    assert (cut.high - cut.low).max() <= 0.004
    assert (cut.high - cut.low).sum() == pytest.approx((panels.high - panels.low).sum())
    assert isinstance(cut, Panels)


@pytest.mark.parametrize("half", [2.0, 100.0, 1000.0, 1e6])
def test_wide_bounds_change_nothing_on_the_line(half):
    density = EnergyDensity("(x - 3)**2 / (2 * 0.1**2)", [[3 - half, 3 + half]])
    at_mean = density.log_prob(np.array([[3.0]]))[0]
    assert at_mean == pytest.approx(-np.log(0.1 * np.sqrt(2 * np.pi)), abs=1e-10)
    assert squared_score(density) == pytest.approx(100.0, rel=1e-9)
    for sigma in (1e-4, 0.1, 10.0):
        expected = 1.0 / (0.01 + sigma**2)
        assert squared_score(density.smoothed(sigma)) == pytest.approx(expected, rel=1e-8)
    draws = density.sample(20_000, np.random.default_rng(0))
    assert draws.std() == pytest.approx(0.1, rel=5 / np.sqrt(2 * 20_000))  # five standard errors
    assert np.ptp(density.support) < 5


@pytest.mark.parametrize("half", [2.0, 20.0, 50.0, 1e4])
@pytest.mark.parametrize("width", [0.1, 0.001])
def test_wide_bounds_change_nothing_in_the_plane(half, width):
    expression = f"((x1 - 1)**2 + (x2 - 1)**2) / (2 * {width!r}**2)"
    density = EnergyDensity(expression, [[1 - half, 1 + half]] * 2)
    density.check_resolved()
    at_mean = density.log_prob(np.ones((1, 2)))[0]
    assert at_mean == pytest.approx(-np.log(2 * np.pi * width**2), abs=1e-6)
    x = density.sample(500, np.random.default_rng(1))
    assert ((x - 1) / width).std() == pytest.approx(1.0, rel=5 / np.sqrt(2 * 1000))
    for sigma in (0.1 * width, width, 30 * width):
        y = x + sigma * np.random.default_rng(2).standard_normal(x.shape)
        expected = -(y - 1) / (width**2 + sigma**2)
        found = density.smoothed(sigma).score(y)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 / np.hypot(width, sigma))


def test_mixtures_far_apart_or_of_unlike_widths_are_resolved():
    far = GaussianMixture([1, 1], [[-1000.0], [1000.0]], np.full((2, 1, 1), 1e-4))
    assert squared_score(far) == pytest.approx(1e4, rel=1e-9)
    unlike = GaussianMixture([1, 1], [[0.0], [0.0]], np.array([1e-8, 1.0]).reshape(2, 1, 1))

    def integrand(x):
        point = np.array([[x]])
        return float(np.exp(unlike.log_prob(point)[0]) * unlike.score(point)[0, 0] ** 2)

    ends = [0, 1e-4, 3e-4, 5e-4, 7e-4, 1e-3, 0.1, 10.0]
    expected = 2 * sum(
        quad(integrand, *pair, limit=500, epsrel=1e-10)[0] for pair in pairwise(ends)
    )
    assert squared_score(unlike) == pytest.approx(expected, rel=1e-7)


def test_points_far_apart_under_little_noise_all_count():
    points = np.random.default_rng(0).uniform(278, 1680, (240, 1))
    x, weights = KernelDensity(points).smoothed(0.05).quadrature(30)
    assert 1 / (weights**2).sum() > 1000
    spread = np.sqrt(weights @ (x[:, 0] - weights @ x[:, 0]) ** 2)
    assert spread == pytest.approx(np.hypot(points.std(), 0.05), rel=1e-9)


def test_a_plane_that_cannot_be_resolved_is_refused_with_its_bounds():
    wells = "((x1-1)**2 + (x2-1)**2) * ((x1+1)**2 + (x2+1)**2) * 1.0e+8"
    entry = {"kind": "energy", "expression": wells, "bounds": [[-20, 20], [-20, 20]]}
    with pytest.raises(ConfigurationError, match=r"densities.a.bounds is .*nearer to the mass"):
        complete({"densities": {"a": entry}})


@pytest.mark.parametrize(
    ("entry", "sigma"),
    [
        ({"kind": "curve", "coordinates": ["cos(t)", "sin(t)"], "interval": [0, 6]}, 1e-7),
        ({"kind": "energy", "expression": "x**2 / 2", "bounds": [[-9, 9]]}, 1e-7),
    ],
)
def test_noise_too_small_to_be_resolved_is_refused(entry, sigma):
    train = {"sigmas": [sigma, 1.0], "sizes": [100]}
    with pytest.raises(ConfigurationError, match=r"train.sigmas is .*sigma must be larger than"):
        complete({"densities": {"a": entry | {"train": train}}})
