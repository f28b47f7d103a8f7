import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, softmax
from sklearn.neighbors import KernelDensity

from autoscore.densities.kernels import KernelDensity as Kernels
from autoscore.densities.mixtures import GaussianMixture
from autoscore.images import distances
from autoscore.images.data import intensities
from autoscore.images.distances import (
    BANDWIDTHS,
    Prepared,
    kernel_optima,
    nearest_points,
    parzen_estimate,
    parzen_log_likelihood,
)
from autoscore.images.sources import scikit_digits
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.optimum.linear import LinearOptimum

ARRAYS = scikit_digits("a test").arrays
TRAIN, VALIDATION, HELD_OUT = (
    intensities(ARRAYS[part], ARRAYS["white"]) for part in ("train", "validation", "held_out")
)


@pytest.fixture(autouse=True, params=[1, 10_000, 10_000_000])
def chunk(request, monkeypatch):
    """Take one row at a time, a few that do not divide the rows evenly, or all."""
    monkeypatch.setattr(distances, "CHUNK", request.param)


def corrupted(x, sigma):
    noise = np.random.default_rng(0).standard_normal(x.shape, np.float32)
    return x + np.float32(sigma) * noise


def test_parzen_windows_are_the_mean_of_the_kernels():
    bandwidths = np.array([0.05, 0.2, 1.0])
    exponents = -cdist(HELD_OUT, TRAIN, "sqeuclidean") / (2 * bandwidths[:, None, None] ** 2)
    scale = len(TRAIN) * (2 * np.pi * bandwidths[:, None] ** 2) ** (TRAIN.shape[1] / 2)
    found = parzen_log_likelihood(TRAIN, HELD_OUT, bandwidths)
    np.testing.assert_allclose(found, logsumexp(exponents, axis=2) - np.log(scale), atol=2e-3)
    # scikit-learn's trees are exact where no kernel underflows
    trees = KernelDensity(bandwidth=1.0).fit(TRAIN).score_samples(HELD_OUT)
    np.testing.assert_allclose(found[2], trees, atol=1e-4)


def test_far_points_do_not_underflow():
    found = parzen_log_likelihood(np.zeros((3, 2)), np.array([[30.0, 40.0]]), np.array([0.1]))
    assert found.item() == pytest.approx(-0.5 * 2500 / 0.01 - np.log(2 * np.pi * 0.01))


def test_the_estimate_takes_the_bandwidth_of_the_validation_points():
    log_likelihood, error, bandwidth = parzen_estimate(TRAIN, VALIDATION, HELD_OUT)
    fits = parzen_log_likelihood(TRAIN, VALIDATION, BANDWIDTHS).mean(1)
    assert bandwidth == BANDWIDTHS[fits.argmax()]
    assert 0 < fits.argmax() < len(BANDWIDTHS) - 1
    values = parzen_log_likelihood(TRAIN, HELD_OUT, np.array([bandwidth]))
    assert log_likelihood == pytest.approx(values.mean())
    assert error == pytest.approx(values.std() / np.sqrt(len(HELD_OUT)))
    # another choice if these points were looked at instead of those
    elsewhere, _, narrowest = parzen_estimate(TRAIN, TRAIN, HELD_OUT)
    assert narrowest == BANDWIDTHS[0]
    assert elsewhere < log_likelihood


def test_nearest_points_are_those_of_all_pairs():
    distances = cdist(HELD_OUT, TRAIN)
    found, which = nearest_points(HELD_OUT, Prepared(TRAIN))
    np.testing.assert_allclose(found, distances.min(1), rtol=1e-6)
    # some points are equally near
    np.testing.assert_allclose(distances[np.arange(len(which)), which], found, rtol=1e-6)


def test_copies_are_found_and_have_no_distance():
    chosen = np.random.default_rng(1).permutation(len(TRAIN))[:50]
    found, which = nearest_points(TRAIN[chosen], Prepared(TRAIN))
    np.testing.assert_array_equal(found, 0)
    np.testing.assert_array_equal(which, chosen)


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.5, 2.0])
def test_the_kernel_optimum_is_the_softmax_mean(sigma):
    y = corrupted(HELD_OUT[:60], sigma)
    (found,) = kernel_optima(y, Prepared(TRAIN), sigma, [0.0])
    assert found.dtype == np.float32
    shares = softmax(-cdist(y, TRAIN, "sqeuclidean") / (2 * sigma**2), axis=1)
    # rounding moves a logarithm of the shares by some 1e-5 / sigma^2
    np.testing.assert_allclose(found, shares @ TRAIN, atol=1e-6 + 4e-6 / sigma**2)


@pytest.mark.parametrize("sigma", [0.1, 0.5])
def test_the_kernel_optimum_is_the_denoising_optimum_of_the_kernel_estimate(sigma):
    y = corrupted(HELD_OUT[:20], sigma)
    _, found = kernel_optima(y, Prepared(TRAIN), sigma, [0.0, 0.2])
    expected = DenoisingOptimum(Kernels(TRAIN.astype(float), 0.2), sigma)(y.astype(float))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_linear_optimum_is_the_denoising_optimum_of_the_fitted_gaussian():
    linear = LinearOptimum.fit(TRAIN)
    covariance = np.cov(TRAIN.T.astype(float), bias=True) + 1e-9 * np.eye(64)
    gaussian = GaussianMixture([1.0], TRAIN.mean(0, dtype=float)[None], covariance[None])
    y = corrupted(HELD_OUT[:20], 0.3).astype(float)
    expected = DenoisingOptimum(gaussian, 0.3)(y)
    np.testing.assert_allclose(linear(y, 0.3), expected, atol=1e-7)


def test_axes_hold_no_rounding_but_are_right_all_the_same():
    points = TRAIN.astype(float) * np.where(np.arange(64) % 5, 1.0, 1e-9)  # some hardly vary
    axes = LinearOptimum.fit(points).axes
    size = np.abs(axes)
    assert ((size == 0) | (size >= np.finfo(float).eps)).all()
    assert (size == 0).any()
    np.testing.assert_allclose(axes.T @ axes, np.eye(64), atol=1e-12)


def test_the_linear_error_is_what_noise_makes_it():
    linear, sigmas, repeats = LinearOptimum.fit(TRAIN), np.array([0.1, 1.0]), 4000
    rng, x = np.random.default_rng(2), HELD_OUT[:3]
    expected = linear.error(x, sigmas)
    for level, sigma in enumerate(sigmas):
        clean = np.repeat(x, repeats, axis=0)
        noisy = clean + sigma * rng.standard_normal(clean.shape)
        errors = ((linear(noisy, sigma) - clean) ** 2).sum(1).reshape(len(x), repeats)
        # six means within 4.5 standard errors: a false alarm once in 25,000 seeds
        error = 4.5 * errors.std(1) / np.sqrt(repeats)
        assert (np.abs(errors.mean(1) - expected[level]) < error).all()


def test_the_linear_error_at_the_fitted_points_is_that_of_the_variances():
    sigmas = np.array([1e-3, 0.1, 1.0, 100.0])
    variances = np.linalg.eigvalsh(np.cov(TRAIN.T.astype(float), bias=True)).clip(0)
    noise = sigmas[:, None] ** 2
    expected = (variances * noise / (variances + noise)).sum(1)
    found = LinearOptimum.fit(TRAIN).error(TRAIN, sigmas).mean(1)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    # no filter that shrinks otherwise is better there
    linear = LinearOptimum.fit(TRAIN)
    for factor in (0.8, 1.25):
        other = LinearOptimum(linear.mean, linear.variances * factor, linear.axes)
        assert (other.error(TRAIN, sigmas).mean(1) > found).all()
