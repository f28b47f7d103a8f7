import numpy as np

from autoscore.densities.mixtures import GaussianMixture
from autoscore.fields import Field, symmetric_share
from autoscore.optimum.dae import DenoisingOptimum


class Affine(Field):
    """r(x) = A x + b."""

    sigma, dim = 0.5, 2
    A, b = np.array([[1.0, 2.0], [-3.0, 0.5]]), np.array([0.1, -0.2])

    def __call__(self, x):
        return x @ self.A.T + self.b

    def jacobian(self, x):
        return np.broadcast_to(self.A, (len(x), 2, 2))


X = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]])


def test_score_and_hessian_are_read_off_the_reconstruction():
    np.testing.assert_allclose(
        Affine().score(X), [[0.4, -12.8], [8.4, -2.8], [-7.6, -22.8]], rtol=1e-14
    )
    expected = np.broadcast_to([[0.0, 8.0], [-12.0, -2.0]], (3, 2, 2))
    np.testing.assert_allclose(Affine().hessian(X), expected, atol=1e-14)


def test_reconstruction_error_is_a_squared_distance():
    np.testing.assert_allclose(Affine().reconstruction_error(X), [10.25, 4.9, 36.1], rtol=1e-14)


def test_the_log_ratio_of_an_exact_field_is_that_of_its_density():
    density = GaussianMixture([0.4, 0.6], [[0.0, 1.0], [1.0, -1.0]], [np.eye(2), 0.5 * np.eye(2)])
    field = DenoisingOptimum(density, 0.5)
    x, y = np.random.default_rng(0).normal(size=(2, 50, 2))
    exact = field.smoothed.log_prob(y) - field.smoothed.log_prob(x)
    assert np.allclose(field.log_ratio(x, y, nodes=20), exact, atol=1e-9)
    coarse = np.abs(field.log_ratio(x, y, nodes=1) - exact).max()
    assert coarse > 10 * np.abs(field.log_ratio(x, y, nodes=3) - exact).max()


def test_an_exact_field_is_a_gradient_and_a_rotation_is_not():
    density = GaussianMixture([1.0], [[0.0, 1.0]], [[[1.0, 0.3], [0.3, 0.5]]])
    field = DenoisingOptimum(density, 0.5)
    x = np.random.default_rng(0).normal(size=(20, 2))
    assert np.allclose(field.curl(x), 0.0, atol=1e-12)
    assert np.allclose(symmetric_share(field.jacobian(x)), 1.0)
    turning = Affine()
    turning.A = np.array([[1.0, -1.0], [1.0, 1.0]])
    assert np.allclose(turning.curl(x), 2.0 / turning.sigma**2)
    assert np.allclose(symmetric_share(turning.jacobian(x)), 0.5)
    assert np.allclose(symmetric_share(turning.jacobian(x) - np.eye(2)), 0.0)
