import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize

from autoscore.densities.mixtures import GaussianMixture
from autoscore.numerics.score_matching import QuadraticLoss
from tests.unit.oracles import implicit_score_loss

LINE = GaussianMixture([0.3, 0.7], [[-1.0], [0.5]], [[[0.3]], [[0.2]]])


@pytest.mark.parametrize("change", [0.0, 0.3, -1.0])
def test_the_implicit_loss_exceeds_its_minimum_by_half_the_squared_error(change):
    x, weights = LINE.quadrature(60)
    exact = LINE.score(x)
    estimate = exact + change * np.sin(3 * x)
    divergence = LINE.hessian(x)[:, 0, 0] + 3 * change * np.cos(3 * x[:, 0])
    error = weights @ (estimate - exact)[:, 0] ** 2
    expected = 0.5 * error - 0.5 * weights @ exact[:, 0] ** 2
    assert implicit_score_loss(estimate, divergence, weights) == pytest.approx(expected, rel=1e-9)


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
