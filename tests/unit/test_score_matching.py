import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize

from autoscore.densities.mixtures import GaussianMixture
from autoscore.numerics.score_matching import QuadraticLoss, implicit_score_loss
from tests.unit.oracles import FALSE_ALARM

LINE = GaussianMixture([0.3, 0.7], [[-1.0], [0.5]], [[[0.3]], [[0.2]]])


@pytest.mark.parametrize("change", [0.0, 0.3, -1.0])
def test_the_loss_exceeds_its_least_value_by_half_the_squared_error(change):
    x, weights = LINE.quadrature(60)
    exact = LINE.score(x)
    estimate = exact + change * np.sin(3 * x)
    divergence = LINE.hessian(x)[:, 0, 0] + 3 * change * np.cos(3 * x[:, 0])
    error = weights @ (estimate - exact)[:, 0] ** 2
    expected = 0.5 * error - 0.5 * weights @ exact[:, 0] ** 2
    assert implicit_score_loss(estimate, divergence, weights) == pytest.approx(expected, rel=1e-9)


def test_the_loss_over_samples_is_the_one_over_the_density():
    rng, n = np.random.default_rng(0), 4000
    sample = LINE.sample(n, rng)
    x, weights = LINE.quadrature(60)
    terms = 0.5 * LINE.score(sample)[:, 0] ** 2 + LINE.hessian(sample)[:, 0, 0]
    expected = implicit_score_loss(LINE.score(x), LINE.hessian(x)[:, 0, 0], weights)
    found = implicit_score_loss(LINE.score(sample), LINE.hessian(sample)[:, 0, 0])
    assert FALSE_ALARM == 1e-6
    assert abs(found - expected) < 4.9 * terms.std() / np.sqrt(n)  # two sides of a normal


@pytest.mark.parametrize(
    ("score", "divergence"), [((4,), (4,)), ((4, 2), (4, 2)), ((4, 2), (3,)), ((4, 2), ())]
)
def test_shapes_that_disagree(score, divergence):
    with pytest.raises(ValueError, match="needs a divergence of shape"):
        implicit_score_loss(np.zeros(score), np.zeros(divergence))


@pytest.mark.parametrize("total", [None, 1.0, -0.5])
def test_the_minimiser_is_that_of_scipy(total):
    rng = np.random.default_rng(1)
    root, linear = rng.standard_normal((5, 4)), rng.standard_normal(4)
    loss, penalty = QuadraticLoss(root.T @ root, linear, 2.0), np.diag([0.1, 0.2, 0.3, 0.4])
    constraint = [] if total is None else [LinearConstraint(np.ones(4), total, total)]
    expected = minimize(
        lambda w: loss(w) + 0.5 * w @ penalty @ w,
        np.zeros(4),
        constraints=constraint,
        method="SLSQP",
        options={"ftol": 1e-15},
    )
    found = loss.minimiser(penalty, total)
    np.testing.assert_allclose(found, expected.x, atol=1e-6)
    several = np.stack([found, 2 * found])
    np.testing.assert_allclose(loss(several), [loss(found), loss(2 * found)])
