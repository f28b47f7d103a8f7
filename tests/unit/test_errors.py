import numpy as np
import pytest
from scipy.stats import t as student

from autoscore.numerics.errors import (
    FEWEST,
    bootstrap_interval,
    fitted_order,
    fixed_points,
    relative_error,
)


def test_relative_error_is_a_ratio_of_weighted_squares():
    reference = np.array([[1.0, 0.0], [0.0, 2.0]])
    estimate = np.array([[1.0, 3.0], [1.0, 2.0]])
    # (0.25 * 9 + 0.75 * 1) / (0.25 * 1 + 0.75 * 4)
    assert relative_error(estimate, reference, np.array([0.25, 0.75])) == pytest.approx(3 / 3.25)


@pytest.mark.parametrize("factor", [0.0, 1.0, -1.0, 3.0])
def test_relative_error_of_a_multiple(factor):
    reference = np.random.default_rng(0).standard_normal((20, 3))
    error = relative_error(factor * reference, reference, np.full(20, 1 / 20))
    assert error == pytest.approx((factor - 1) ** 2, abs=1e-15)


@pytest.mark.parametrize("order", [0.5, 1.0, 2.0, 4.0])
def test_the_order_of_a_power_law_is_its_exponent(order):
    sigmas = np.geomspace(0.002, 0.3, 7)
    assert fitted_order(sigmas, (5.0 * sigmas**order) ** 2) == pytest.approx(order, abs=1e-12)


def test_the_order_is_the_least_squares_slope():
    sigmas = np.array([1.0, 2.0, 4.0])
    squared_errors = np.exp([0.0, 3.0, 3.0])  # slope in log sigma: 3 / (2 log 2)
    assert fitted_order(sigmas, squared_errors) == pytest.approx(0.75 / np.log(2))


@pytest.mark.parametrize(
    ("count", "expected"),
    [(count, 1 - 2.0 ** (1 - count)) for count in range(2, FEWEST)]
    # the widths are Student's, but of so few values no resample reaches as far as a normal one
    + [(5, 0.925), (8, 0.94), (20, 0.95)],
)
def test_the_bootstrap_interval_covers_as_often_as_it_says(count, expected):
    rng, trials = np.random.default_rng(0), 1500
    covered = []
    for values in rng.standard_normal((trials, count)):
        low, high = bootstrap_interval(values, rng, resamples=2000)
        covered.append(low < 0 < high)
    allowed = 4 * np.sqrt(expected * (1 - expected) / trials)
    assert np.mean(covered) == pytest.approx(expected, abs=allowed)


@pytest.mark.parametrize("count", [2, FEWEST - 1, FEWEST])
def test_the_bootstrap_interval_of_few_values_is_their_range(count):
    values = np.random.default_rng(1).standard_normal(count)
    found = bootstrap_interval(values, np.random.default_rng(2))
    reaches = found == pytest.approx((values.min(), values.max()))
    assert reaches == (count < FEWEST)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_bootstrap_interval_is_student_s_for_many_values(level):
    values = np.random.default_rng(1).standard_normal(40)
    found = bootstrap_interval(values, np.random.default_rng(2), level, resamples=100_000)
    expected = student.interval(level, 39, values.mean(), values.std(ddof=1) / np.sqrt(40))
    assert found == pytest.approx(expected, abs=0.03 * (expected[1] - expected[0]))


@pytest.mark.parametrize("values", [[0.3], [0.3, 0.3, 0.3]])
def test_the_bootstrap_interval_of_equal_values_is_a_point(values):
    interval = bootstrap_interval(np.array(values), np.random.default_rng(0))
    assert interval == pytest.approx((0.3, 0.3), abs=1e-15)


def cubic(x):
    """A displacement with zeros at -0.6, 0.1 and 0.8: two attract, the middle one repels."""
    return -(x + 0.6) * (x - 0.1) * (x - 0.8)


def test_fixed_points_of_a_cubic():
    x = np.linspace(-1.5, 1.5, 999)  # no node is a zero
    points, stable = fixed_points(x, cubic(x))
    step = x[1] - x[0]
    # linear interpolation between nodes misses a zero by at most |f''/f'| step^2 / 8
    np.testing.assert_allclose(points, [-0.6, 0.1, 0.8], atol=0.6 * step**2)
    assert stable.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("displacement", "expected", "stable"),
    [
        ([1, 0, -1, -1, -1], [-0.5], [True]),
        ([-1, 0, 0, 0, 1], [0.0], [False]),  # the middle of a stretch
        ([1, -1, 0, 0, 1], [-0.75, 0.25], [True, False]),
        ([1, 0, 1, 1, 1], [], []),  # touched, not crossed
        ([0, 0, 0, 0, 0], [], []),
        ([3, 2, 1, 2, 3], [], []),
    ],
)
def test_fixed_points_where_nodes_rest(displacement, expected, stable):
    points, falls = fixed_points(np.linspace(-1, 1, 5), np.array(displacement, dtype=float))
    np.testing.assert_allclose(points, expected, atol=1e-15)
    assert falls.tolist() == stable


def test_fixed_points_that_are_nodes():
    x = np.linspace(-1.5, 1.5, 301)
    points, stable = fixed_points(x, np.round(x - x**3, 12))
    np.testing.assert_allclose(points, [-1, 0, 1], atol=1e-12)
    assert stable.tolist() == [True, False, True]
