"""Targets and optima in two dimensions, against closed forms, finite differences and each other."""

import numpy as np
import pytest
from scipy.integrate import quad

from autoscore.densities.base import leading_bias
from autoscore.densities.curves import Curve
from autoscore.densities.energies import EnergyDensity
from autoscore.densities.mixtures import GaussianMixture
from autoscore.numerics.errors import fitted_order, relative_error
from autoscore.optimum.rcae_2d import ContractiveOptimum2D, solve_rcae_2d

NINJA = "(sqrt(x1**2 + x2**2) - 2)**2 + (x1**2 - x2**2)**2 + 0.5 * log(x1**2 + x2**2 + 1)"
BOX = [[-4.5, 4.5], [-4.5, 4.5]]
SPIRAL = (["0.04 * t * sin(t)", "0.04 * t * cos(t)"], (3.0, 15.0))
POINTS = np.random.default_rng(0).uniform(-2.5, 2.5, (7, 2))


@pytest.fixture(scope="module")
def ninja():
    return EnergyDensity(NINJA, BOX)


def test_samples_of_an_energy_have_its_mean_log_probability(ninja):
    x = ninja.sample(20_000, np.random.default_rng(1))
    nodes, weights = ninja._rule(40)
    weights = weights * np.exp(ninja.log_prob(nodes))
    log_prob = ninja.log_prob(x)
    expected = weights @ ninja.log_prob(nodes)
    # false alarm once in 15,000 seeds
    assert abs(log_prob.mean() - expected) < 4 * log_prob.std() / np.sqrt(len(x))
    np.testing.assert_allclose(x.mean(0), 0.0, atol=4 * x.std() / np.sqrt(len(x)))


@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_the_posterior_mean_on_a_curve_against_adaptive_quadrature(sigma):
    curve = Curve(*SPIRAL)
    y = curve.point(np.array([7.0])) + np.array([[0.5 * sigma, -sigma]])

    def weighted(value):
        def integrand(t):
            point = curve.point(np.array([t]))
            return np.exp(-0.5 * ((y - point) ** 2).sum() / sigma**2) * value(point[0])

        return quad(integrand, 3, 15, points=[7.0], limit=2000, epsabs=1e-14, epsrel=1e-12)[0]

    total = weighted(lambda point: 1.0)
    mean = [weighted(lambda point, axis=axis: point[axis]) / total for axis in (0, 1)]
    np.testing.assert_allclose((y + sigma**2 * curve.smoothed(sigma).score(y))[0], mean, atol=1e-9)


def test_thickness_is_smoothing_and_a_curve_without_it_has_no_density():
    thick, thin = Curve(*SPIRAL, thickness=0.05), Curve(*SPIRAL)
    x = thin.sample(5, np.random.default_rng(0))
    np.testing.assert_allclose(thick.log_prob(x), thin.smoothed(0.05).log_prob(x), rtol=1e-12)
    assert thin.is_degenerate
    assert not thick.is_degenerate
    with pytest.raises(ValueError, match="curve without thickness has no density"):
        thin.log_prob(x)


def test_the_velocity_is_the_tangent_and_the_nearest_point_is_near():
    curve, t, h = Curve(*SPIRAL), np.linspace(3, 15, 7), 1e-6
    numerical = (curve.point(t + h) - curve.point(t - h)) / (2 * h)
    np.testing.assert_allclose(curve.velocity(t), numerical, atol=1e-8)
    np.testing.assert_allclose(curve.nearest(curve.point(t)), curve.point(t), atol=1e-3)


@pytest.mark.parametrize("variances", [(0.3, 0.3), (0.1, 0.5)])
def test_the_contractive_optimum_of_a_gaussian_is_linear(variances):
    # r_j = x_j v_j / (v_j + sigma^2) solves p (r_j - x_j) = sigma^2 div(p grad r_j)
    density = GaussianMixture([1.0], [[0.0, 0.0]], [np.diag(variances)])
    sigma, x = 0.2, 0.2 * POINTS
    field = ContractiveOptimum2D.solve(density, sigma, points=201)
    shrunk = np.array(variances) / (np.array(variances) + sigma**2)
    np.testing.assert_allclose(field(x), x * shrunk, atol=2e-3)
    np.testing.assert_allclose(
        field.jacobian(x), np.broadcast_to(np.diag(shrunk), (7, 2, 2)), atol=5e-3
    )


def test_the_contractive_optimum_is_second_order_in_the_step(ninja):
    def solution(points):
        grid = np.linspace(-3, 3, points)
        return solve_rcae_2d(ninja, grid, grid, 0.2)[
            :, :: (points - 1) // 30, :: (points - 1) // 30
        ]

    coarse, middle, fine = (solution(points) for points in (61, 121, 241))
    grid = np.linspace(-3, 3, 31)
    p = np.exp(ninja.log_prob(np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2)))
    first, second = (
        np.sqrt((p.reshape(31, 31) * (a - b) ** 2).sum())
        for a, b in ((coarse, middle), (middle, fine))
    )
    assert np.log2(first / second) == pytest.approx(2.0, abs=0.15)


def test_the_contractive_optimum_is_second_order_in_sigma_with_its_leading_term():
    density = GaussianMixture(
        [0.5, 0.5], [[-1.4, 0.0], [1.4, 0.6]], [np.diag([0.8, 1.2]), np.diag([1.2, 0.8])]
    )
    x = density.sample(400, np.random.default_rng(0))
    weights, score = np.full(400, 1 / 400), density.score(x)
    sigmas = np.array([0.05, 0.07, 0.1])
    estimates = [
        ContractiveOptimum2D.solve(density, sigma, points=501).score(x) for sigma in sigmas
    ]
    errors = np.array([relative_error(estimate, score, weights) for estimate in estimates])
    assert fitted_order(sigmas, errors) == pytest.approx(2.0, abs=0.05)
    leading = score + sigmas[0] ** 2 * leading_bias(density, "rcae", x)
    assert relative_error(estimates[0], leading, weights) < 0.01 * errors[0]


@pytest.mark.parametrize(("sigma", "n"), [(0.0, 5), (0.1, 2)])
def test_what_cannot_be_solved_is_refused(ninja, sigma, n):
    with pytest.raises(ValueError, match=r"sigma must be > 0|at least 3 points"):
        solve_rcae_2d(ninja, np.linspace(-1, 1, n), np.linspace(-1, 1, 5), sigma)
