"""Energies in the plane under noise: the grid against quadrature and closed forms."""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import norm

from autoscore.densities.energies import EnergyDensity
from autoscore.densities.mixtures import GaussianMixture
from autoscore.densities.smoothing import SmoothedEnergy, SmoothedPlane

LEVELS = ("log_prob", "score", "hessian")
GAUSSIAN = EnergyDensity("x1**2 / 0.18 + x2**2 / 0.5", [[-3, 3], [-4.5, 4.5]])
CLOSED = GaussianMixture([1.0], [[0.0, 0.0]], [np.diag([0.09, 0.25])])
# a bent ridge, without symmetry, with an opposite corner of the box far from all mass
BANANA = EnergyDensity("(x1 - 0.3)**2 / 0.5 + (x2 - x1**2 / 2)**2 / 0.08", [[-4, 4], [-2, 8]])


def largest_gap(one, other, level, x):
    """The largest difference at x, relative to the largest value."""
    expected = getattr(other, level)(x)
    return np.abs(getattr(one, level)(x) - expected).max() / np.abs(expected).max()


def test_an_energy_is_normalised():
    x = CLOSED.sample(100, np.random.default_rng(0))
    np.testing.assert_allclose(GAUSSIAN.log_prob(x), CLOSED.log_prob(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("sigma", [0.01, 0.3, 1.0])
def test_the_grid_agrees_with_a_gaussian_in_closed_form(sigma):
    smoothed, exact = GAUSSIAN.smoothed(sigma), CLOSED.smoothed(sigma)
    assert type(smoothed) is SmoothedPlane
    x = exact.sample(1000, np.random.default_rng(0))
    # derivatives by Fourier are exact to rounding, and so nearly are splines of polynomials
    for level in LEVELS:
        assert largest_gap(smoothed, exact, level, x) < 1e-9


def test_far_outside_of_the_box_the_closed_form_still_holds():
    """There the grid has no sound digits left, and quadrature answers."""
    sigma = 0.5
    smoothed, exact = GAUSSIAN.smoothed(sigma), CLOSED.smoothed(sigma)
    x = np.array([[3.5, 0.0], [0.0, -5.0], [-3.2, 4.7], [4.0, 5.0]])
    # where the posterior keeps five deviations away from the edge of the box
    centre = x * [0.09, 0.25] / (np.array([0.09, 0.25]) + sigma**2)
    width = 1.0 / np.sqrt(1.0 / np.array([0.09, 0.25]) + sigma**-2)
    assert (np.abs(centre) + 5 * width < GAUSSIAN.bounds[:, 1]).all()
    for level in LEVELS:
        np.testing.assert_allclose(
            getattr(smoothed, level)(x), getattr(exact, level)(x), rtol=1e-5, atol=1e-4
        )


@pytest.mark.parametrize("sigma", [0.03, 0.3])
def test_the_grid_agrees_with_quadrature(sigma):
    smoothed, exact = BANANA.smoothed(sigma), SmoothedEnergy(BANANA, sigma)
    assert type(smoothed) is SmoothedPlane
    x = exact.sample(25, np.random.default_rng(1))
    for level in LEVELS:
        assert largest_gap(smoothed, exact, level, x) < 1e-5


@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_grid_and_quadrature_join_smoothly(sigma):
    """From the mode over the reach of the grid to far outside of the box, in a straight line."""
    smoothed, exact = BANANA.smoothed(sigma), SmoothedEnergy(BANANA, sigma)
    x = np.array([0.3, 0.0]) + np.linspace(0, 1.3, 25)[:, None] * [-4.5, -2.6]
    assert (~((x > BANANA.bounds[:, 0]) & (x < BANANA.bounds[:, 1])).all(1)).sum() > 3
    for level in LEVELS:
        expected = getattr(exact, level)(x)
        found = getattr(smoothed, level)(x)
        assert found.shape == expected.shape
        # out there quadrature of half the order answers
        gap = np.abs(found - expected).reshape(25, -1).max(1)
        assert (gap < 1e-3 * (1 + np.abs(expected).reshape(25, -1).max(1))).all()


def test_the_score_is_the_slope_of_the_log_density():
    smoothed, h = BANANA.smoothed(0.2), 1e-4
    x = smoothed.sample(200, np.random.default_rng(2))
    for axis, step in enumerate(h * np.eye(2)):
        slope = (smoothed.log_prob(x + step) - smoothed.log_prob(x - step)) / (2 * h)
        np.testing.assert_allclose(smoothed.score(x)[:, axis], slope, rtol=1e-4, atol=1e-4)
        slope = (smoothed.score(x + step) - smoothed.score(x - step)) / (2 * h)
        np.testing.assert_allclose(smoothed.hessian(x)[:, :, axis], slope, rtol=1e-3, atol=1e-3)


def test_the_hessian_has_its_off_diagonal_twice():
    hessian = BANANA.smoothed(0.2).hessian(BANANA.sample(50, np.random.default_rng(3)))
    np.testing.assert_array_equal(hessian[:, 0, 1], hessian[:, 1, 0])
    assert np.abs(hessian[:, 0, 1]).max() > 1


def test_smoothing_twice_stays_on_the_grid():
    twice, once = BANANA.smoothed(0.3).smoothed(0.4), BANANA.smoothed(0.5)
    assert type(twice) is SmoothedPlane
    x = once.sample(50, np.random.default_rng(4))
    np.testing.assert_allclose(twice.log_prob(x), once.log_prob(x), rtol=1e-12)


EDGE = EnergyDensity("x1**2 / 0.08 + 0 * x2", [[-2, 2], [-1, 1]])


def test_an_energy_that_ends_at_its_box_is_smoothed_by_quadrature():
    """Uniform in x2: an edge that a Fourier transform would ring at."""
    sigma = 0.1
    smoothed = EDGE.smoothed(sigma)
    assert type(smoothed) is SmoothedEnergy
    x = np.random.default_rng(5).uniform([-0.6, -1.2], [0.6, 1.2], (30, 2))
    up, down = (1 - x[:, 1]) / sigma, (-1 - x[:, 1]) / sigma
    mass = ndtr(up) - ndtr(down)
    variance = 0.04 + sigma**2
    log_prob = norm.logpdf(x[:, 0], scale=np.sqrt(variance)) + np.log(0.5 * mass)
    slope = (norm.pdf(down) - norm.pdf(up)) / (sigma * mass)
    np.testing.assert_allclose(smoothed.log_prob(x), log_prob, rtol=1e-8, atol=1e-8)
    score = np.stack([-x[:, 0] / variance, slope], axis=1)
    np.testing.assert_allclose(smoothed.score(x), score, rtol=1e-7, atol=1e-6)
    # what a grid would have made of it
    assert np.abs(SmoothedPlane(EDGE, sigma).score(x) - score).max() > 1e-4


@pytest.mark.parametrize("bounds", [[[-3, 3], [-1, 4.5]], [[-1, 3], [-4.5, 4.5]]])
def test_one_side_where_p_does_not_vanish_rules_out_the_grid(bounds):
    cut = EnergyDensity("x1**2 / 0.18 + x2**2 / 0.5", bounds)
    assert type(cut.smoothed(0.1)) is SmoothedEnergy
