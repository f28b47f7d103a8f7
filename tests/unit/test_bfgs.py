import numpy as np
import pytest
from scipy.optimize import LbfgsInvHessProduct, minimize, rosen, rosen_der

from autoscore.train.bfgs import InverseHessian, descend


def rosenbrock(theta):
    return rosen(theta), rosen_der(theta)


def quadratic(condition, p=10):
    """A function with this condition number, and where its minimum is."""
    rng = np.random.default_rng(0)
    rotation, at = np.linalg.qr(rng.standard_normal((p, p)))[0], rng.standard_normal(p)
    matrix = rotation @ np.diag(np.geomspace(1, condition, p)) @ rotation.T

    def function(theta):
        slope = matrix @ (theta - at)
        return 0.5 * (theta - at) @ slope, slope

    return function, at


def ends(function, start, iterations):
    *_, (value, theta) = descend(function, np.asarray(start, dtype=float), iterations)
    return value, theta


@pytest.mark.parametrize("condition", [1, 10, 1e3, 1e5])
def test_a_quadratic_of_ten_dimensions_takes_little_more_than_ten_iterations(condition):
    function, at = quadratic(condition)
    np.testing.assert_allclose(ends(function, np.zeros(10), 50)[1], at, atol=1e-5)


@pytest.mark.parametrize("start", [[-1.2, 1.0], [0.0, 0.0, 0.0], [3.0, -2.0, 1.0, 5.0, -1.0]])
def test_rosenbrock_is_minimised_and_never_rises(start):
    values, places = zip(*descend(rosenbrock, np.array(start), 200), strict=True)
    assert (np.diff([rosen(start), *values]) <= 0).all()
    np.testing.assert_allclose(places[-1], 1.0, atol=1e-6)
    np.testing.assert_allclose(values, [rosen(place) for place in places])


def test_it_takes_scipy_s_number_of_iterations():
    """The line searches differ, and with them the places."""
    start = np.linspace(-1.0, 2.0, 40)
    theirs = minimize(rosen, start, jac=rosen_der, method="BFGS", options={"gtol": 1e-5})
    slopes = [np.abs(rosen_der(theta)).max() for _, theta in descend(rosenbrock, start, 400)]
    ours = np.flatnonzero(np.array(slopes) < 1e-5)[0] + 1
    assert 0.7 * theirs.nit < ours < 1.4 * theirs.nit


def test_all_steps_since_the_first_tell_the_curvature():
    """Forty directions of forty curvatures: who forgets needs far longer."""
    function, at = quadratic(1e4, p=40)
    _, whole = ends(function, np.zeros(40), 80)
    forgetful = minimize(
        function, np.zeros(40), jac=True, method="L-BFGS-B", options={"maxcor": 5, "maxiter": 80}
    )
    assert np.linalg.norm(whole - at) < 1e-3 * np.linalg.norm(forgetful.x - at)


def test_places_are_evaluated_once():
    seen = []

    def counted(theta):
        seen.append(tuple(theta))
        return rosenbrock(theta)

    ends(counted, [-1.2, 1.0], 20)
    assert len(seen) == len(set(seen)) < 2 * 20


def test_it_ends_where_nothing_is_lower():
    function, at = quadratic(10)
    assert [*descend(function, at, 5)] == []
    assert len([*descend(function, np.zeros(10), 500)]) < 500


def test_the_inverse_hessian_is_that_of_its_updates():
    rng = np.random.default_rng(1)
    steps, x = rng.standard_normal((7, 12)), rng.standard_normal(12)
    bends = steps + 0.1 * rng.standard_normal((7, 12))
    inverse, matrix = InverseHessian(12, 7), np.eye(12)
    np.testing.assert_array_equal(inverse.times(x), x)
    for k, (step, bend) in enumerate(zip(steps, bends, strict=True)):
        assert inverse.learn(step, bend)
        away = np.eye(12) - np.outer(step, bend) / (step @ bend)
        matrix = away @ matrix @ away.T + np.outer(step, step) / (step @ bend)
        np.testing.assert_allclose(inverse.times(x), matrix @ x, rtol=1e-9, atol=1e-12)
        theirs = LbfgsInvHessProduct(steps[: k + 1], bends[: k + 1])
        np.testing.assert_allclose(inverse.times(x), theirs.matvec(x), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(inverse.times(bend), step, rtol=1e-9, atol=1e-12)
    assert not inverse.learn(steps[0], -steps[0])
    np.testing.assert_allclose(inverse.times(x), matrix @ x, rtol=1e-9, atol=1e-12)
