import numpy as np

from autoscore.fields import Field


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
