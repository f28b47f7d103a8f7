import math
import tracemalloc

import numpy as np
import pytest
import torch
from scipy.integrate import cumulative_simpson
from scipy.special import logsumexp, softmax
from scipy.stats import kstest, multivariate_normal, norm

from autoscore.densities import kernel_sums, kernels
from autoscore.densities.base import leading_bias
from autoscore.densities.curve_mixtures import curve_mixture
from autoscore.densities.energies import EnergyDensity
from autoscore.densities.kernels import KernelDensity, fit_bandwidth
from autoscore.densities.mixtures import GaussianMixture
from autoscore.densities.registry import dimension, make_density
from autoscore.densities.smoothing import SmoothedEnergy
from autoscore.numerics.streams import generator
from tests.unit.oracles import (
    FALSE_ALARM,
    THREE_WELLS,
    derivatives,
    difference,
    gradient,
    integral,
    kernel_log_prob,
    mixture_log_prob,
    posterior_moments,
    three_wells_energy,
)


def mixture_parameters(dim):
    """Three overlapping components, full covariances, weights that do not sum to 1."""
    rng = np.random.default_rng(dim)
    factors = 0.25 * rng.standard_normal((3, dim, dim))
    covariances = factors @ factors.swapaxes(1, 2) + 0.05 * np.eye(dim)
    return [1.0, 2.0, 0.5], 0.6 * rng.standard_normal((3, dim)), covariances


def kernel_points(dim):
    return 0.5 * np.random.default_rng(dim).standard_normal((20, dim))


def cases():
    """Density, its log p in torch, and points in its bulk and far out in its tail."""
    rng = np.random.default_rng(0)
    found = {}
    for dim in (1, 2, 3):
        mixture = mixture_parameters(dim)
        x = np.concatenate([0.6 * rng.standard_normal((12, dim)), np.full((1, dim), 6.0)])
        found[f"mixture{dim}"] = GaussianMixture(*mixture), mixture_log_prob(*mixture), x
    for dim in (1, 2):
        points = kernel_points(dim)
        x = np.concatenate([rng.standard_normal((12, dim)), np.full((1, dim), -5.0)])
        found[f"kernel{dim}"] = KernelDensity(points, 0.3), kernel_log_prob(points, 0.3), x
    energy = make_density(THREE_WELLS)
    x = np.linspace(-1.4, 1.4, 13)[:, None]
    found["three_wells"] = energy, lambda x: -three_wells_energy(x[:, 0]), x
    return found


CASES = cases()
SMOOTHED = CASES["three_wells"][0].smoothed(0.15)
NINJA = "(sqrt(x1**2 + x2**2) - 2)**2 + (x1**2 - x2**2)**2 + 0.5 * log(x1**2 + x2**2 + 1)"
GAUSSIAN = EnergyDensity("x**2 / 2 / 0.3**2", [[-3, 3]])
every_case = pytest.mark.parametrize("name", CASES)


@every_case
@pytest.mark.parametrize("level", ["score", "hessian", "score_laplacian"])
def test_derivatives_are_those_of_torch(name, level):
    density, log_prob, x = CASES[name]
    expected = derivatives(log_prob, x)[level]
    actual = getattr(density, level)(x)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("density", "x"),
    [
        (SMOOTHED, np.linspace(-2, 2, 13)[:, None]),
        (EnergyDensity(NINJA, [[-4.5, 4.5]] * 2), np.random.default_rng(0).uniform(1, 2.5, (7, 2))),
    ],
    ids=["smoothed", "plane"],
)
def test_each_derivative_is_the_difference_quotient_of_the_one_below(density, x):
    laplacian = np.einsum("nijj->ni", difference(density.hessian, x))
    for actual, expected in (
        (density.score(x), difference(density.log_prob, x)),
        (density.hessian(x), difference(density.score, x)),
        (density.score_laplacian(x), laplacian),
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["mixture1", "kernel1", "three_wells", "smoothed"])
def test_densities_integrate_to_one(name):
    density = SMOOTHED if name == "smoothed" else CASES[name][0]
    low, high = density.bounds[0]
    total = integral(
        lambda x: float(np.exp(density.log_prob(np.array([[x]])))[0]),
        low,
        high,
        breaks=np.linspace(low, high, 12)[1:-1],
    )
    assert total == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", ["mixture2", "mixture3", "kernel2"])
def test_log_prob_is_that_of_scipy(name):
    density, _, x = CASES[name]
    if name == "kernel2":
        parts = [(1 / 20, mean, 0.09 * np.eye(2)) for mean in density.points]
    else:
        parts = zip(density.weights, density.means, density.covariances, strict=True)
    expected = sum(w * multivariate_normal(m, c).pdf(x) for w, m, c in parts)
    np.testing.assert_allclose(density.log_prob(x), np.log(expected), rtol=1e-10)


def test_an_energy_is_zero_outside_its_box():
    assert np.isneginf(make_density(THREE_WELLS).log_prob(np.array([[-1.6], [1.51]]))).all()


def distribution_function(density):
    """The cumulative integral of a one-dimensional density on a fine grid."""
    grid = np.linspace(*density.bounds[0], 4001)
    mass = cumulative_simpson(np.exp(density.log_prob(grid[:, None])), x=grid, initial=0)
    return lambda x: np.interp(x, grid, mass)


@pytest.mark.parametrize("name", ["mixture1", "kernel1", "three_wells", "smoothed"])
def test_samples_follow_the_density(name):
    density = SMOOTHED if name == "smoothed" else CASES[name][0]
    drawn = density.sample(20_000, np.random.default_rng(1))
    assert drawn.shape == (20_000, 1)
    assert kstest(drawn[:, 0], distribution_function(density)).pvalue > FALSE_ALARM


@pytest.mark.parametrize("name", ["mixture2", "mixture3", "kernel2"])
@pytest.mark.parametrize("direction", [[1, 0, 0], [1, -2, 0.5]])
def test_projected_samples_follow_the_projected_density(name, direction):
    density = CASES[name][0]
    direction = np.array(direction[: density.dim])
    if name == "kernel2":
        means, weights = density.points @ direction, np.full(20, 1 / 20)
        spreads = np.full(20, 0.3 * np.linalg.norm(direction))
    else:
        means, weights = density.means @ direction, density.weights
        spreads = np.sqrt(np.einsum("i,kij,j->k", direction, density.covariances, direction))
    drawn = density.sample(20_000, np.random.default_rng(2)) @ direction
    cdf = lambda x: norm.cdf(x[:, None], means, spreads) @ weights  # noqa: E731
    assert kstest(drawn, cdf).pvalue > FALSE_ALARM


@pytest.mark.parametrize("sigma", [0.01, 0.1, 0.5])
def test_a_smoothed_gaussian_energy_is_a_wider_gaussian(sigma):
    y = np.linspace(-1.5, 1.5, 31)[:, None]  # where truncation at 10 sd does not show
    smoothed, variance = GAUSSIAN.smoothed(sigma), 0.3**2 + sigma**2
    expected = norm.logpdf(y[:, 0], scale=np.sqrt(variance))
    np.testing.assert_allclose(smoothed.log_prob(y), expected, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(smoothed.score(y), -y / variance, rtol=1e-9, atol=1e-9)
    # cumulants are sums of rounded terms, divided by sigma^4 and sigma^6
    np.testing.assert_allclose(smoothed.hessian(y)[:, 0, 0], -1 / variance, atol=1e-13 / sigma**4)
    np.testing.assert_allclose(smoothed.score_laplacian(y), 0, atol=1e-13 / sigma**6)


def test_a_mixture_and_the_same_energy_agree_when_smoothed():
    closed = GaussianMixture([0.4, 0.6], [[-0.5], [0.4]], [[[0.04]], [[0.01]]])
    energy = EnergyDensity(
        "-log(0.4 / 0.2 * exp(-(x + 0.5)**2 / 0.08) + 0.6 / 0.1 * exp(-(x - 0.4)**2 / 0.02))",
        [[-2.2, 2.2]],
    )
    y = np.linspace(-1.2, 1.2, 25)[:, None]
    np.testing.assert_allclose(energy.log_prob(y), closed.log_prob(y), rtol=1e-10, atol=1e-10)
    for sigma in (0.02, 0.3):
        exact, numeric = closed.smoothed(sigma), energy.smoothed(sigma)
        np.testing.assert_allclose(numeric.log_prob(y), exact.log_prob(y), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(numeric.score(y), exact.score(y), rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(numeric.hessian(y), exact.hessian(y), rtol=1e-6)


@pytest.mark.parametrize("name", ["mixture1", "kernel1", "three_wells"])
def test_smoothing_is_convolution_with_the_noise(name):
    density, sigma = CASES[name][0], 0.2
    for y in (-1.3, 0.1, 1.2):
        expected = integral(
            lambda x, y=y: (
                float(np.exp(density.log_prob(np.array([[x]])))[0])
                * math.exp(-0.5 * ((y - x) / sigma) ** 2)
                / (sigma * math.sqrt(2 * math.pi))
            ),
            max(density.bounds[0, 0], y - 10 * sigma),
            min(density.bounds[0, 1], y + 10 * sigma),
        )
        actual = np.exp(density.smoothed(sigma).log_prob(np.array([[y]])))[0]
        assert actual == pytest.approx(expected, rel=1e-9)


@every_case
def test_smoothing_twice_adds_variances(name):
    density, _, x = CASES[name]
    twice, once = density.smoothed(0.3).smoothed(0.4), density.smoothed(0.5)
    np.testing.assert_allclose(twice.log_prob(x), once.log_prob(x), rtol=1e-12)


@pytest.mark.parametrize("sigma", [0.03, 0.2, 1.0])
def test_two_formulas_for_the_score_of_a_smoothed_energy_agree(sigma):
    smoothed = CASES["three_wells"][0].smoothed(sigma)
    y = np.linspace(*smoothed.bounds[0], 21)[:, None]
    np.testing.assert_allclose(smoothed.score_by_parts(y), smoothed.score(y), rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan])
def test_a_smoothed_energy_needs_noise(sigma):
    with pytest.raises(ValueError, match=f"sigma must be > 0, not {sigma}"):
        SmoothedEnergy(GAUSSIAN, sigma)


@pytest.mark.parametrize(
    ("name", "sigma"),
    [("mixture1", 0.4), ("kernel1", 0.05), ("three_wells", 0.1)],
)
def test_posterior_variance_is_that_of_the_integral(name, sigma):
    density = CASES[name][0]
    y = np.array([-1.1, 0.35])
    expected = [
        posterior_moments(
            lambda x: -density.log_prob(np.atleast_1d(x)[:, None]).squeeze(),
            density.bounds[0],
            at,
            sigma,
        )[1]
        for at in y
    ]
    np.testing.assert_allclose(density.posterior_variance(y[:, None], sigma), expected, rtol=1e-8)


def test_posterior_variance_sums_over_coordinates():
    covariance = np.array([[0.5, 0.2], [0.2, 0.3]])
    gaussian = GaussianMixture([1], [[1.0, -2.0]], covariance[None])
    noise = 0.3**2 * np.eye(2)
    expected = np.trace(covariance - covariance @ np.linalg.inv(covariance + noise) @ covariance)
    actual = gaussian.posterior_variance(np.array([[0.0, 0.0], [3.0, 1.0]]), 0.3)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["mixture1", "kernel1", "three_wells"])
def test_quadrature_takes_expectations(name):
    density = CASES[name][0]
    x, weights = density.quadrature()
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)
    expected = integral(
        lambda x: float(np.exp(density.log_prob(np.array([[x]])))[0]) * math.cos(3 * x),
        *density.bounds[0],
        breaks=np.linspace(*density.bounds[0], 12)[1:-1],
    )
    assert weights @ np.cos(3 * x[:, 0]) == pytest.approx(expected, abs=1e-9)


def test_quadrature_of_points_without_a_bandwidth_is_the_points():
    points = kernel_points(2)
    x, weights = KernelDensity(points).quadrature()
    np.testing.assert_array_equal(x, points)
    np.testing.assert_allclose(weights, 1 / 20)


def test_quadrature_refuses_more_dimensions():
    with pytest.raises(ValueError, match="d = 1, but this one has d = 3"):
        CASES["mixture3"][0].quadrature()


@pytest.mark.parametrize("name", ["mixture1", "mixture3", "kernel2", "three_wells"])
@pytest.mark.parametrize("objective", ["dae", "rcae"])
def test_leading_bias_is_the_formula_of_c1_by_torch(name, objective):
    density, log_prob, x = CASES[name]
    by_torch = derivatives(log_prob, x)
    factor = {"dae": 0.5, "rcae": 1.0}[objective]
    expected = factor * by_torch["score_laplacian"] + by_torch["advection"]
    actual = leading_bias(density, objective, x)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [1.0]}, "2 means need as many weights"),
        ({"weights": [1.0, 1.0, 1.0]}, "2 means need as many weights"),
        ({"weights": [1.0, 0.0]}, r"weights must be positive, not \[1.0, 0.0\]"),
        ({"weights": [1.0, -1.0]}, "weights must be positive"),
        ({"weights": [1.0, np.nan]}, "weights must be positive"),
        ({"covariances": [np.eye(2)]}, r"need covariances of shape \(2, 2, 2\), not \(1, 2, 2\)"),
        ({"covariances": [[[1.0]], [[1.0]]]}, r"shape \(2, 2, 2\), not \(2, 1, 1\)"),
        ({"covariances": [np.eye(2), [[1, 0.5], [0, 1]]]}, "symmetric"),
        ({"covariances": [np.eye(2), [[1, 2], [2, 1]]]}, "positive definite"),
        ({"covariances": [np.eye(2), np.zeros((2, 2))]}, "positive definite"),
    ],
)
def test_a_mixture_names_what_is_wrong(change, message):
    good = {"weights": [1.0, 1.0], "means": np.eye(2), "covariances": [np.eye(2)] * 2}
    GaussianMixture(**good)
    with pytest.raises(ValueError, match=message):
        GaussianMixture(**(good | change))


@pytest.mark.parametrize(
    ("points", "bandwidth", "message"),
    [
        ([1.0, 2.0], 0.1, r"must have shape \(n, d\)"),
        (np.empty((0, 2)), 0.1, r"n, d >= 1, not \(0, 2\)"),
        ([[0.0], [np.inf]], 0.1, r"row 1 is \[inf\]"),
        ([[0.0]], -0.1, "bandwidth must be >= 0, not -0.1"),
    ],
)
def test_kernels_name_what_is_wrong(points, bandwidth, message):
    with pytest.raises(ValueError, match=message):
        KernelDensity(points, bandwidth)


@pytest.mark.parametrize("bounds", [[[1, -1]], [[1, 1]], [1, 2], [[0, 1, 2]]])
def test_an_energy_needs_an_interval(bounds):
    with pytest.raises(ValueError, match="low < high"):
        EnergyDensity("x**2", bounds)


def test_an_energy_has_one_or_two_dimensions():
    with pytest.raises(ValueError, match="one or two dimensions, not 3"):
        EnergyDensity("x1**2 + x2**2 + x3**2", [[-1, 1]] * 3)


METHODS = ["log_prob", "score", "hessian", "score_laplacian"]


@pytest.mark.parametrize("method", METHODS)
def test_points_without_a_bandwidth_have_no_density(method):
    points = KernelDensity(kernel_points(1))
    assert points.is_degenerate
    assert not points.smoothed(0.1).is_degenerate
    with pytest.raises(ValueError, match="points without a bandwidth have no density"):
        getattr(points, method)(np.zeros((1, 1)))


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("method", METHODS)
def test_kernels_are_evaluated_chunk_by_chunk(method, dim, monkeypatch):
    density = KernelDensity(kernel_points(dim), 0.3)
    x = np.random.default_rng(3).standard_normal((50, dim))
    whole = getattr(density, method)(x)
    sizes, exponentials = [], kernel_sums.exp_in_place
    monkeypatch.setattr(kernel_sums, "FEWEST", 1)
    monkeypatch.setattr(kernel_sums, "CHUNK", 60)  # 3 of the 50 points at once
    monkeypatch.setattr(
        kernel_sums, "exp_in_place", lambda k, **how: sizes.append(k.size) or exponentials(k, **how)
    )
    np.testing.assert_allclose(getattr(density, method)(x), whole, rtol=1e-12, atol=1e-12)
    assert max(sizes) == 60
    assert len(sizes) == 17


@pytest.mark.parametrize("dim", [1, 2, 3, 9])
@pytest.mark.parametrize("bandwidth", [1e-3, 0.03, 0.5, 3.0])
@pytest.mark.parametrize("unevenness", [0.0, 5.0, 40.0], ids=["even", "uneven", "steep"])
def test_kernels_that_are_left_out_count_for_nothing(dim, bandwidth, unevenness):
    rng = np.random.default_rng(8)
    points = np.concatenate(
        [rng.standard_normal((400, dim)), 1e-2 * rng.standard_normal((99, dim))]
    )
    weights = np.exp(unevenness * rng.standard_normal(499))
    # on the points, between them, and far away
    x = np.concatenate([points[:40] + 0.1 * bandwidth, rng.standard_normal((40, dim))])
    x = np.concatenate([x, 30.0 * rng.standard_normal((9, dim))])
    apart = (points - x[:, None]) / bandwidth  # (x, points, d)
    log_weights = np.log(weights) - logsumexp(np.log(weights))
    terms = log_weights - 0.5 * (apart**2).sum(-1)
    density = KernelDensity(points, bandwidth, weights)
    constant = 0.5 * dim * np.log(2 * np.pi * bandwidth**2)
    # distances are rounded as they are, those by a matrix product as the longest ones
    longest = (apart**2).sum(-1).max() if dim >= kernels.MATRIX_PRODUCT else 0.0
    tolerances = {"rtol": 1e-12, "atol": 1e-12 + 1e-15 * longest}
    expected = logsumexp(terms, 1) - constant
    np.testing.assert_allclose(density.log_prob(x), expected, **tolerances)
    there = np.abs(terms).min(1) < 1e6  # farther away one rounding decides between two points
    scores = np.einsum("xp,xpd->xd", softmax(terms, 1), apart) / bandwidth
    tolerances["atol"] *= 100 / bandwidth
    np.testing.assert_allclose(density.score(x)[there], scores[there], **tolerances)


@pytest.mark.parametrize("method", METHODS)
def test_kernels_need_little_memory(method, monkeypatch):
    monkeypatch.setattr(kernel_sums, "CHUNK", 10_000)
    rng = np.random.default_rng(4)
    density, x = KernelDensity(rng.standard_normal((1000, 2)), 0.3), rng.standard_normal((500, 2))
    tracemalloc.start()
    getattr(density, method)(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 500 * 1000 / 4  # a quarter of the matrix of all pairs


def test_fitted_bandwidth_is_the_likeliest_on_held_out_points():
    rng = np.random.default_rng(5)
    points, held_out = rng.standard_normal((400, 1)), rng.standard_normal((300, 1))
    candidates = np.geomspace(0.2, 0.5, 50)
    likelihood = [np.log(norm.pdf(held_out, points[:, 0], h).mean(1)).mean() for h in candidates]
    best = candidates[np.argmax(likelihood)]
    assert fit_bandwidth(points, held_out).bandwidth == pytest.approx(best, rel=0.03)
    assert 0.2 < best < 0.5  # inside; the normal-reference rule says 1.06 n^(-1/5) = 0.32


def test_fitted_bandwidth_does_not_depend_on_the_origin():
    rng = np.random.default_rng(6)
    points, held_out = 0.1 * rng.standard_normal((2, 300, 2))
    moved = np.array([0.0, 1000.0])
    here, there = fit_bandwidth(points, held_out), fit_bandwidth(points + moved, held_out + moved)
    assert there.bandwidth == pytest.approx(here.bandwidth, rel=0.03)


MIXTURE = {"kind": "mixture", "weights": [1, 1], "means": [[0, 0], [1, 1]]}


@pytest.mark.parametrize(
    ("entry", "kind", "dim"),
    [
        (THREE_WELLS, EnergyDensity, 1),
        ({"kind": "samples", "points": [[0, 1], [2, 3]]}, KernelDensity, 2),
        ({"kind": "curve_mixture", "dimension": 7}, GaussianMixture, 7),
        (MIXTURE | {"covariances": [np.eye(2).tolist()] * 2}, GaussianMixture, 2),
    ],
)
def test_registry_makes_what_an_entry_describes(entry, kind, dim):
    density = make_density(entry)
    assert isinstance(density, kind)
    assert density.dim == dimension(entry) == dim


def test_standard_deviations_stand_for_round_components():
    density = make_density(MIXTURE | {"standard_deviations": [0.5, 2.0]})
    np.testing.assert_allclose(density.covariances, [0.25 * np.eye(2), 4.0 * np.eye(2)])


def test_registry_names_an_unknown_kind():
    with pytest.raises(ValueError, match="unknown kind of density 'cauchy'"):
        make_density({"kind": "cauchy"})


# --- a mixture along a curve -------------------------------------------------


def naive_curve_mixture(dim, components, seed):
    """Means and covariances coordinate by coordinate."""
    rng = generator(seed, "curve_mixture", dim)
    frequencies, exponents = rng.uniform(-1, 1, dim), rng.integers(1, 3, dim)
    assert set(exponents) <= {1, 2}
    means = [
        [
            math.sin(2 * math.pi * f * k / (components - 1)) ** int(e)
            for f, e in zip(frequencies, exponents, strict=True)
        ]
        for k in range(components)
    ]
    covariances = []
    for k in range(components):
        here, there = (k, k + 1) if k + 1 < components else (k - 1, k)
        v = np.subtract(means[there], means[here])
        length = math.sqrt((v**2).sum())
        # an orthonormal basis whose first member lies along v
        basis, _ = np.linalg.qr(np.column_stack([v, np.eye(dim)[:, 1:]]))
        spread = np.diag([length**2] + [(length / 10) ** 2] * (dim - 1))
        covariances.append(basis @ spread @ basis.T)
    return np.array(means), np.array(covariances)


@pytest.mark.parametrize(("dim", "components", "seed"), [(2, 25, 0), (3, 2, 1), (10, 25, 5)])
def test_a_mixture_along_a_curve_is_the_formula(dim, components, seed):
    density = curve_mixture(dim, components, seed)
    means, covariances = naive_curve_mixture(dim, components, seed)
    np.testing.assert_allclose(density.means, means, atol=1e-12)
    np.testing.assert_allclose(density.covariances, covariances, atol=1e-12)
    np.testing.assert_allclose(density.weights, 1 / components)
    entry = {"kind": "curve_mixture", "dimension": dim, "components": components}
    made = make_density(entry | {"curve_seed": seed})
    np.testing.assert_array_equal(made.means, density.means)
    np.testing.assert_array_equal(made.covariances, density.covariances)


def test_curves_differ_by_their_seed_and_dimension():
    default = make_density({"kind": "curve_mixture", "dimension": 3})
    assert default.means.shape == (25, 3)
    np.testing.assert_array_equal(default.means, curve_mixture(3, 25, 0).means)
    assert not np.allclose(default.means, curve_mixture(3, 25, 1).means)
    assert not np.allclose(default.means[:, :2], curve_mixture(2).means)


@pytest.mark.parametrize("sigma", [0.0, 0.2])
def test_a_hundred_dimensions_are_those_of_scipy(sigma):
    density = curve_mixture(100)
    x = density.sample(6, np.random.default_rng(0))
    x[3:] += np.random.default_rng(1).standard_normal((3, 100))
    shown = density.smoothed(sigma) if sigma else density
    parts = [
        multivariate_normal(mean, covariance + sigma**2 * np.eye(100)).logpdf(x)
        for mean, covariance in zip(density.means, density.covariances, strict=True)
    ]
    expected = np.logaddexp.reduce(parts, axis=0) - np.log(25)
    np.testing.assert_allclose(shown.log_prob(x), expected, rtol=1e-10)
    log_prob = mixture_log_prob(np.ones(25), shown.means, shown.covariances)
    points = torch.tensor(x, requires_grad=True)
    score = gradient(log_prob(points), points).detach().numpy()
    np.testing.assert_allclose(shown.score(x), score, rtol=1e-8, atol=1e-8 * np.abs(score).max())


@pytest.mark.parametrize("dim", [1, 3])
def test_a_draw_of_a_mixture_is_a_row_of_normal_numbers(dim):
    """The first of its numbers chooses the component, the others are spread by its factor."""
    density, n = GaussianMixture(*mixture_parameters(dim)), 200
    normal = np.random.default_rng(9).standard_normal((n, dim + 1))
    shares = np.cumsum(np.array([1.0, 2.0, 0.5]) / 3.5)
    expected = [
        density.means[k] + np.linalg.cholesky(density.covariances[k]) @ row[1:]
        for row in normal
        for k in [int((shares[:2] < norm.cdf(row[0])).sum())]
    ]
    found = density.sample(n, np.random.default_rng(9))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert density.sample(0, np.random.default_rng(9)).shape == (0, dim)
    np.testing.assert_allclose(density.sample(7, np.random.default_rng(9)), found[:7], rtol=1e-12)


def test_many_draws_in_many_dimensions_need_little_memory():
    density, n = curve_mixture(100), 4000
    tracemalloc.start()
    drawn = density.sample(n, np.random.default_rng(3))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # the numbers, the means and one component's share; a factor a point would be 100 times that
    assert peak < 4 * drawn.nbytes


def test_samples_in_a_hundred_dimensions_have_the_mean_and_covariance_of_the_mixture():
    density, n = curve_mixture(100), 2000
    x = density.sample(n, np.random.default_rng(2))
    mean = density.means.mean(0)
    offset = density.means - mean
    covariance = density.covariances.mean(0) + offset.T @ offset / 25
    # 100 means within five standard errors: a false alarm in 17,000 seeds
    assert (np.abs(x.mean(0) - mean) < 5 * np.sqrt(np.diag(covariance) / n)).all()
    found = np.cov(x.T)
    scale = np.sqrt(np.multiply.outer(np.diag(covariance), np.diag(covariance)))
    # a product of two such coordinates has at most thrice the variance of a Gaussian's
    assert (np.abs(found - covariance) / scale).max() < 6 * np.sqrt(3 / n)


@every_case
def test_both_together_are_what_each_is_alone(name):
    density, _, x = CASES[name]
    log_p, score = density.log_prob_and_score(x)
    np.testing.assert_allclose(log_p, density.log_prob(x), rtol=1e-13)
    np.testing.assert_allclose(score, density.score(x), rtol=1e-12, atol=1e-13)
