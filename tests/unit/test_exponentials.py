"""Exponentials in vectors: right to the last bits, and the same wherever a number stands."""

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

from autoscore.numerics import exponentials
from autoscore.numerics.exponentials import VECTOR, exp_in_place, softmax_in_place


@pytest.fixture(params=[True, False], ids=["numpy", "torch"], autouse=True)
def _by(request, monkeypatch):
    monkeypatch.setattr(exponentials, "numpy_is_fast", lambda: request.param)


@pytest.mark.parametrize("shape", [(0,), (1,), (VECTOR,), (3, VECTOR + 5), (2, 7, 3)])
@pytest.mark.parametrize(("dtype", "low"), [(np.float64, -800.0), (np.float32, -120.0)])
def test_exponentials_are_numpy_s_to_the_last_bits_or_0(shape, dtype, low):
    x = np.random.default_rng(0).uniform(low, 50.0, shape).astype(dtype)
    expected, transposed = np.exp(x), x.T.copy().T
    for one in (x, transposed):
        exp_in_place(one)
    np.testing.assert_array_equal(transposed, x)
    about = np.finfo(dtype)
    np.testing.assert_allclose(x, expected, rtol=2 * about.eps, atol=5 * about.tiny)
    assert (x[expected < about.tiny] == 0).all()


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_softmax_and_the_sum_s_logarithm_are_scipy_s(scale):
    x = scale * np.random.default_rng(0).standard_normal((7, 91))
    x[2, 5:] = -np.inf
    expected, shares = logsumexp(x, axis=1), softmax(x, axis=1)
    np.testing.assert_allclose(softmax_in_place(x), expected, rtol=1e-14)
    np.testing.assert_allclose(x, shares, rtol=1e-13, atol=1e-307)


def test_a_row_of_impossible_things_alone_has_no_softmax():
    x = np.array([[-np.inf, -np.inf], [0.0, -np.inf]])
    np.testing.assert_array_equal(softmax_in_place(x), [-np.inf, 0.0])
    np.testing.assert_array_equal(x, [[np.nan, np.nan], [1.0, 0.0]])


def test_a_number_s_exponential_is_the_same_in_every_place():
    x = np.random.default_rng(1).uniform(-20.0, 0.0, 300)
    whole = x.copy()
    exp_in_place(whole)
    for start in range(1, 2 * VECTOR):
        part = x[start:].copy()
        exp_in_place(part)
        np.testing.assert_array_equal(part, whole[start:])


def test_what_is_no_number_stays_so():
    x = np.array([np.nan, np.inf, -np.inf])
    exp_in_place(x)
    np.testing.assert_array_equal(x, [np.nan, np.inf, 0.0])


def test_an_array_with_gaps_is_refused():
    with pytest.raises(ValueError, match="contiguous"):
        exp_in_place(np.zeros((4, 4))[:, ::2])
