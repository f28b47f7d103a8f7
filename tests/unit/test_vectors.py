"""Exponentials in vectors: right to the last bits, and the same wherever a number stands."""

import numpy as np
import pytest

from autoscore.vectors import VECTOR, exp_in_place


@pytest.mark.parametrize("shape", [(0,), (1,), (VECTOR,), (3, VECTOR + 5), (2, 7, 3)])
def test_exponentials_are_numpy_s_to_the_last_bits(shape):
    x = np.random.default_rng(0).uniform(-800.0, 50.0, shape)
    expected = np.exp(x)
    exp_in_place(x)
    np.testing.assert_allclose(x, expected, rtol=4e-16, atol=1e-307)


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
