"""Quasi-random numbers: as uniform as random ones, and more even."""

import warnings

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.stats import kstest

from autoscore.numerics.sobol import SobolSequence, neighbourly_order
from tests.unit.oracles import FALSE_ALARM


@pytest.mark.parametrize("n", [256, 300])
def test_points_are_uniform_in_the_open_cube(n):
    # any one point of a scrambled sequence, over many scramblings
    points = np.array([SobolSequence(default_rng(k), 3).draw(n)[n // 2] for k in range(1000)])
    assert points.shape == (1000, 3)
    assert ((points > 0) & (points < 1)).all()
    for coordinate in points.T:
        assert kstest(coordinate, "uniform").pvalue > FALSE_ALARM


@pytest.mark.parametrize("stretches", [[4096], [256] * 16], ids=["at once", "in batches"])
def test_means_err_far_less_than_those_of_random_numbers(stretches):
    """E[cos(2 pi (u_1 + u_2)) + u_1 u_2 u_3] = 1/8; of n random numbers its error is .7 n^-1/2."""
    errors = []
    for seed in range(20):
        sequence = SobolSequence(default_rng(seed), 3)
        u = np.concatenate([sequence.draw(n) for n in stretches])
        errors.append(np.mean(np.cos(2 * np.pi * (u[:, 0] + u[:, 1])) + u.prod(1)) - 1 / 8)
    assert np.sqrt(np.mean(np.square(errors))) < 0.1 * 0.7 / np.sqrt(4096)


@pytest.mark.parametrize("before", [0, 1, 256, 300])
def test_a_skipped_stretch_is_as_if_drawn(before):
    drawn, skipped = (SobolSequence(default_rng(5), 4) for _ in range(2))
    drawn.draw(before)
    skipped.skip(before)
    assert drawn.drawn == skipped.drawn == before
    np.testing.assert_array_equal(drawn.draw(7), skipped.draw(7))


def test_a_first_stretch_of_any_length_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SobolSequence(default_rng(0), 2).draw(300)


@pytest.mark.parametrize("dim", [1, 2, 10])
def test_neighbours_follow_one_another(dim):
    points = default_rng(2).standard_normal((1000, dim))
    order = neighbourly_order(points)
    np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    if dim == 1:
        assert (np.diff(points[order, 0]) > 0).all()
    steps = np.linalg.norm(np.diff(points[order], axis=0), axis=1)
    assert steps.mean() < 0.8 * np.linalg.norm(np.diff(points, axis=0), axis=1).mean()
    # each half of the order is a half-space of the points
    widest = np.ptp(points, axis=0).argmax()
    assert points[order[:500], widest].max() <= points[order[500:], widest].min()


def test_points_that_coincide_are_all_there():
    order = neighbourly_order(np.zeros((8, 2)))
    np.testing.assert_array_equal(np.sort(order), np.arange(8))
