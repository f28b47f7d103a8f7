import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import t as student

from autoscore.numerics.errors import (
    FACTORS,
    FEWEST,
    bootstrap_interval,
    constant_factor,
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


@pytest.mark.parametrize("factor", [3.0, 1e-4, -2.0])
@pytest.mark.parametrize("dim", [1, 2, 10])
def test_a_multiple_has_that_factor_everywhere(dim, factor):
    rng = np.random.default_rng(0)
    reference, weights = rng.standard_normal((40, dim)), rng.dirichlet(np.ones(40))
    found = constant_factor(factor * reference, reference, weights)
    expected = [factor, 0, np.sign(factor), 0] + 4 * [factor]
    assert list(found) == FACTORS
    np.testing.assert_allclose(list(found.values()), expected, atol=1e-12 * abs(factor) + 1e-15)


@pytest.mark.parametrize("across", [0.5, -2.0])
def test_what_lies_across_changes_the_direction_and_not_the_factor(across):
    reference = np.random.default_rng(1).standard_normal((40, 2))
    estimate = 3.0 * reference + across * reference[:, ::-1] * [1.0, -1.0]
    found = constant_factor(estimate, reference, np.full(40, 1 / 40))
    length = np.hypot(3.0, across)
    assert found["factor"] == pytest.approx(3)
    assert found["spread"] == pytest.approx(0, abs=1e-7)
    assert found["direction"] == pytest.approx(3 / length)
    assert found["left"] == pytest.approx((across / length) ** 2)


def test_a_factor_that_grows_with_the_score_is_told_by_quarters():
    reference = np.arange(1.0, 9.0)[:, None] * [0.6, 0.8]
    shuffled = np.random.default_rng(2).permutation(8)
    each = np.repeat([1.0, 2.0, 4.0, 5.0], 2)[:, None]
    weights = np.array([0.1, 0.15] * 4)
    parts = ((each * reference)[shuffled], reference[shuffled], weights[shuffled])
    found = constant_factor(*parts)
    assert [found[f"quarter_{k}"] for k in (1, 2, 3, 4)] == pytest.approx([1, 2, 4, 5])
    power = weights * (reference**2).sum(1) / (weights @ (reference**2).sum(1))
    mean = power @ each[:, 0]
    assert found["factor"] == pytest.approx(mean)
    assert found["spread"] == pytest.approx(np.sqrt(power @ (each[:, 0] - mean) ** 2) / mean)
    assert found["direction"] == pytest.approx(1)


def test_what_one_factor_leaves_is_the_least_error_of_all_multiples():
    rng = np.random.default_rng(3)
    reference, weights = rng.standard_normal((50, 3)), rng.dirichlet(np.ones(50))
    estimate = 0.3 * reference + rng.standard_normal((50, 3))
    found = constant_factor(estimate, reference, weights)
    best = minimize_scalar(lambda k: relative_error(k * estimate, reference, weights))
    assert found["left"] == pytest.approx(best.fun, rel=1e-7)
    rest = estimate - found["factor"] * reference
    assert abs(weights @ (rest * reference).sum(1)) < 1e-12
    cosine = (estimate * reference).sum(1) / np.linalg.norm(estimate, axis=1)
    power = weights @ (reference**2).sum(1)
    cosine = weights @ (cosine * np.linalg.norm(reference, axis=1)) / power
    assert found["direction"] == pytest.approx(cosine)


def test_zeros_leave_everything_and_have_no_spread():
    reference = np.array([[1.0], [-2.0], [0.0]])
    found = constant_factor(np.zeros((3, 1)), reference, np.full(3, 1 / 3))
    assert (found["factor"], found["direction"], found["left"]) == (0, 0, 1)
    assert np.isnan(found["spread"])
    # and where the score is 0 any move is rest
    found = constant_factor(np.array([[1.0], [-2.0], [3.0]]), reference, np.full(3, 1 / 3))
    assert (found["factor"], found["spread"]) == (1, 0)
    assert found["left"] == pytest.approx(9 / 14)
    with pytest.raises(ValueError, match="a constant factor"):
        constant_factor(np.empty((0, 2)), np.empty((0, 2)), np.empty(0))


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
