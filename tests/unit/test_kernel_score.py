import numpy as np
import pytest
import torch

from autoscore.baselines.kernel_score import (
    GaussianScore,
    KernelScore,
    fit_kernel_score,
    quadratic_losses,
)
from autoscore.densities.kernels import fit_bandwidth
from autoscore.densities.mixtures import GaussianMixture
from autoscore.numerics.errors import relative_error
from tests.unit.oracles import derivatives, implicit_score_loss

TWO = GaussianMixture([0.4, 0.6], [[-1.0, 0.0], [1.0, 0.5]], [0.1 * np.eye(2), 0.2 * np.eye(2)])


def estimate(dim, seed=0):
    rng = np.random.default_rng(seed)
    turn = rng.standard_normal((dim, dim))
    base = GaussianScore(rng.standard_normal(dim), turn @ turn.T + np.eye(dim))
    landmarks = rng.standard_normal((6, dim))
    return KernelScore(base, landmarks, 0.8, rng.standard_normal(6)), rng.standard_normal((9, dim))


def log_prob(found, at):
    """The estimate's log-density, in torch."""
    landmarks, mean, precision, coefficients = map(
        torch.as_tensor,
        (found.landmarks, found.base.mean, found.base.precision, found.coefficients),
    )
    squares = ((at[:, None] - landmarks) ** 2).sum(-1)
    offset = at - mean
    gaussian = -0.5 * torch.einsum("ni,ij,nj->n", offset, precision, offset)
    return gaussian + torch.exp(-0.5 * squares / found.bandwidth**2) @ coefficients


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_the_score_is_the_gradient_of_the_log_density(dim):
    found, x = estimate(dim)
    exact = derivatives(lambda at: log_prob(found, at), x)
    np.testing.assert_allclose(found.score(x), exact["score"], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_the_quadratic_form_is_the_loss_of_the_derivatives(dim):
    rng = np.random.default_rng(dim)
    for seed, bandwidth in enumerate((0.3, 0.8, 3.0)):
        found, x = estimate(dim, seed)
        found.bandwidth = bandwidth
        (loss,) = quadratic_losses(found.base, found.landmarks, [bandwidth], x)
        for found.coefficients in (rng.standard_normal(6), np.zeros(6)):
            exact = derivatives(lambda at: log_prob(found, at), x)  # noqa: B023
            trace = np.trace(exact["hessian"], axis1=1, axis2=2)
            expected = implicit_score_loss(exact["score"], trace)
            assert loss(found.coefficients) == pytest.approx(expected, rel=1e-10)


def test_chunks_change_nothing(monkeypatch):
    found, x = estimate(3)
    score = found.score(x)
    (whole,) = quadratic_losses(found.base, found.landmarks, [0.8], x)
    monkeypatch.setattr("autoscore.baselines.kernel_score.CHUNK", 2 * len(found.landmarks))
    np.testing.assert_allclose(found.score(x), score, rtol=1e-13)
    (chunked,) = quadratic_losses(found.base, found.landmarks, [0.8], x)
    np.testing.assert_allclose(chunked.gram, whole.gram, rtol=1e-12)
    np.testing.assert_allclose(chunked.linear, whole.linear, rtol=1e-12)


def errors(n, seed=2):
    """Squared relative errors of the kernel score, its base and the kernel density."""
    rng = np.random.default_rng(seed)
    points, held_out, x = TWO.sample(n, rng), TWO.sample(1000, rng), TWO.sample(2000, rng)
    kernel = fit_kernel_score(points, held_out, rng, landmarks=150)
    weights, exact = np.full(len(x), 1 / len(x)), TWO.score(x)
    estimates = (kernel, kernel.base, fit_bandwidth(points, held_out))
    return [relative_error(found.score(x), exact, weights) for found in estimates]


def test_the_error_falls_with_the_points_and_below_the_kernel_density():
    few, more, many = errors(100), errors(1000), errors(8000)
    assert few[0] > 1.5 * more[0] > 2.25 * many[0]
    assert many[0] < 0.05
    for kernel, base, density in (few, more, many):
        assert kernel < base
        assert kernel < density


def test_a_gaussian_is_left_to_the_base():
    rng = np.random.default_rng(1)
    turn = rng.standard_normal((20, 20))
    gaussian = GaussianMixture(
        [1.0], rng.standard_normal((1, 20)), (turn @ turn.T + np.eye(20))[None]
    )
    points, held_out, x = (gaussian.sample(n, rng) for n in (4000, 2000, 500))
    found = fit_kernel_score(points, held_out, rng, landmarks=50)
    weights, exact = np.full(len(x), 1 / len(x)), gaussian.score(x)
    errors = [relative_error(part.score(x), exact, weights) for part in (found, found.base)]
    # the base alone errs by about d / n
    assert errors[1] < 2 * 20 / 4000
    assert errors[0] < errors[1] + 0.005
    far = 1e3 * x
    np.testing.assert_allclose(found.score(far), found.base.score(far), rtol=1e-12)


@pytest.mark.parametrize(("n", "dim"), [(5, 8), (2, 1), (30, 30)])
def test_fewer_points_than_dimensions_or_landmarks_will_do(n, dim):
    rng = np.random.default_rng(2)
    points, held_out = rng.standard_normal((n, dim)), rng.standard_normal((200, dim))
    found = fit_kernel_score(points, held_out, rng)
    assert found.landmarks.shape == (n, dim)
    (loss,) = quadratic_losses(found.base, found.landmarks, [found.bandwidth], held_out)
    assert np.isfinite(loss(found.coefficients))
    assert loss(found.coefficients) <= found.base.loss(held_out)


def test_the_same_generator_gives_the_same_estimate():
    points, held_out = np.random.default_rng(3).standard_normal((2, 300, 2))
    first, second, other = (
        fit_kernel_score(points, held_out, np.random.default_rng(seed), landmarks=40)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.coefficients, second.coefficients)
    assert np.abs(first.landmarks - other.landmarks).max() > 0


@pytest.mark.parametrize(
    ("points", "held_out", "message"),
    [
        (np.zeros((5, 2)), np.zeros((5, 2)), "two different points"),
        (np.zeros((1, 2)), np.zeros((5, 2)), "two different points"),
        (np.eye(2), np.zeros((0, 2)), "held-out points needs at least 1 point"),
    ],
)
def test_too_few_points_make_no_estimate(points, held_out, message):
    with pytest.raises(ValueError, match=message):
        fit_kernel_score(points, held_out, np.random.default_rng(0))
