import numpy as np
import pytest
import torch

from autoscore.train.lbfgs import minimise


def closure_of(f):
    """Values and gradients by torch, of a function from (m, p) to (m,)."""

    def closure(theta):
        theta = theta.detach().requires_grad_()
        values = f(theta)
        (gradient,) = torch.autograd.grad(values.sum(), theta)
        return values.detach(), gradient

    return closure


def rosenbrock(theta):
    x, y = theta[:, 0], theta[:, 1]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def quadratics(conditions, p=10):
    """Random quadratics with these condition numbers: the function and its minima."""
    rng = np.random.default_rng(0)
    matrices, minima = [], rng.standard_normal((len(conditions), p))
    for condition in conditions:
        rotation = np.linalg.qr(rng.standard_normal((p, p)))[0]
        matrices.append(rotation @ np.diag(np.geomspace(1, condition, p)) @ rotation.T)
    A, at = torch.as_tensor(np.stack(matrices)), torch.as_tensor(minima)

    def f(theta, rows=slice(None)):
        offset = theta - at[rows]
        return 0.5 * torch.einsum("mi,mij,mj->m", offset, A[rows], offset)

    return f, minima


STARTS = torch.tensor([[-1.2, 1.0], [0.0, 0.0], [3.0, -2.0], [-3.0, -4.0]], dtype=torch.float64)


def test_quadratics_are_minimised():
    """Steepest descent would need thousands of evaluations at these condition numbers."""
    f, minima = quadratics([1, 10, 1e3, 1e4])
    found = minimise(closure_of(f), torch.zeros(4, 10, dtype=torch.float64), 60)
    np.testing.assert_allclose(found, minima, atol=1e-6)


def test_rosenbrock_is_minimised_from_every_start():
    found = minimise(closure_of(rosenbrock), STARTS, 70)
    np.testing.assert_allclose(found, 1.0, atol=1e-6)


def path(f, theta, evaluations):
    """Every point that was evaluated, and every value that was reported."""
    points, values = [], []
    closure = closure_of(f)

    def spy(theta):
        points.append(theta.detach().clone())
        return closure(theta)

    minimise(spy, theta, evaluations, report=lambda _, value: values.append(value.clone()))
    return torch.stack(points), torch.stack(values)


def test_rows_take_the_paths_they_would_take_alone():
    quadratic, _ = quadratics([2, 1e4])
    ones = torch.ones(2, 10, dtype=torch.float64)
    for f, start, tolerance in (
        (lambda theta, rows=None: rosenbrock(theta), STARTS, 1e-12),
        (quadratic, ones, 1e-9),  # different problems
    ):
        points, values = path(f, start, 20)
        for row in range(len(start)):
            one = slice(row, row + 1)
            alone, alone_values = path(lambda theta, f=f, one=one: f(theta, one), start[one], 20)
            torch.testing.assert_close(alone[:, 0], points[:, row], rtol=tolerance, atol=1e-12)
            torch.testing.assert_close(alone_values[:, 0], values[:, row], rtol=1e-9, atol=1e-20)


def wavy(theta):
    return (torch.sin(5 * theta) + 0.1 * theta**2).sum(1) + theta.prod(1)


def steep(theta):
    """Infinite or undefined where a long step leads."""
    return (theta**2 - torch.log(1 - theta)).sum(1) + torch.exp(40 * theta**2).sum(1)


@pytest.mark.parametrize("f", [rosenbrock, wavy, steep])
@pytest.mark.parametrize("evaluations", [0, 1, 2, 5, 30])
def test_nothing_ends_above_its_start_or_rises_on_the_way(f, evaluations):
    start = torch.as_tensor(np.random.default_rng(1).uniform(-2, 0.9, (20, 2)))
    found = minimise(closure_of(f), start, evaluations)
    assert torch.isfinite(f(found)).all()
    assert (f(found) <= f(start)).all()
    if evaluations == 0:
        assert torch.equal(found, start)
    if evaluations == 30:
        assert (f(found) < f(start)).all()
        values = path(f, start, evaluations)[1]
        assert (values[1:] <= values[:-1]).all()
        torch.testing.assert_close(values[-1], f(found), rtol=0, atol=0)


def test_evaluations_are_counted_and_reported():
    points, values = path(rosenbrock, STARTS, 17)
    assert len(points) == 18  # the start is evaluated too
    assert len(values) == 17


def test_a_stationary_row_stays_and_holds_no_other_up():
    start = torch.tensor([[1.0, 1.0], [-1.2, 1.0]], dtype=torch.float64)
    found = minimise(closure_of(rosenbrock), start, 60)
    assert found[0].tolist() == [1.0, 1.0]
    np.testing.assert_allclose(found[1], 1.0, atol=1e-6)


def test_a_row_of_nan_disturbs_no_other():
    def f(theta):
        return rosenbrock(theta) * torch.tensor([torch.nan, 1.0], dtype=torch.float64)

    start = STARTS[:2]
    found = minimise(closure_of(f), start, 60)
    assert torch.equal(found[0], start[0])
    np.testing.assert_allclose(found[1], 1.0, atol=1e-6)
