import numpy as np
import pytest
import torch

from autoscore.models.conditioned.network import Conditioned
from autoscore.models.separate.network import Separate
from autoscore.train.batches import Batch
from autoscore.train.objectives import OBJECTIVES, contractive, denoising, sliced

SIGMAS = [0.5, 0.1]


def stack_of(dim, residual="none"):
    members = SIGMAS, [0, 0], [9, 9], np.zeros((2, dim)), [1.0, 1.0]
    stack = Separate(dim, {"hidden": (5,), "residual": residual}, *members)
    parameters = sum(int(np.prod(shape)) for shape in stack.shapes().values())
    stack.theta = torch.as_tensor(np.random.default_rng(dim).standard_normal((2, parameters)))
    return stack


def batch_of(dim, *, weighted=True):
    rng = np.random.default_rng(5)
    targets = rng.standard_normal((2, 6, dim))
    inputs = targets + np.array(SIGMAS)[:, None, None] * rng.standard_normal(targets.shape)
    weights = rng.random((2, 6))
    weights = weights / weights.sum(1, keepdims=True) if weighted else np.full((2, 6), 1 / 6)
    tensors = map(torch.as_tensor, (inputs, targets, np.array(SIGMAS)[:, None], weights))
    batch = Batch(*tensors)
    return batch if weighted else Batch(batch.inputs, batch.targets, batch.sigma), weights


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_denoising_is_the_mean_squared_error(dim, weighted):
    stack, (batch, weights) = stack_of(dim), batch_of(dim, weighted=weighted)
    losses = denoising(stack, stack.theta, batch)
    for k, sigma in enumerate(SIGMAS):
        reconstruction = stack.field(sigma, 0, 9)(batch.inputs[k].numpy())
        error = ((reconstruction - batch.targets[k].numpy()) ** 2).sum(-1)
        assert float(losses[k]) == pytest.approx(weights[k] @ error / sigma**2, rel=1e-12)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("residual", ["none", "sigma"])
def test_the_gradient_of_denoising_is_that_of_finite_differences(residual, weighted):
    stack, (batch, _) = stack_of(2, residual), batch_of(2, weighted=weighted)
    theta = stack.theta.requires_grad_()
    assert torch.autograd.gradcheck(lambda theta: denoising(stack, theta, batch), (theta,))


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_contraction_is_the_squared_jacobian_of_torch(dim, weighted):
    stack, (batch, weights) = stack_of(dim), batch_of(dim, weighted=weighted)
    losses = contractive(stack, stack.theta, batch)
    for k, sigma in enumerate(SIGMAS):
        alone = stack.take([k])
        expected = 0.0
        for weight, x in zip(weights[k], batch.targets[k], strict=True):

            def reconstruct(point, alone=alone, sigma=sigma):
                level = torch.tensor([[sigma]], dtype=torch.float64)
                return alone.forward(alone.theta, point[None, None], level)[0][0, 0]

            jacobian = torch.autograd.functional.jacobian(reconstruct, x)
            error = ((reconstruct(x) - x) ** 2).sum() / sigma**2
            expected += weight * float(error + (jacobian**2).sum())
        assert float(losses[k]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_known_values_of_the_identity(dim):
    """With r = x denoising costs the noise, |e|^2 / sigma^2, and contraction |I|^2 = d."""
    batch, weights = batch_of(dim)
    noise = ((batch.inputs - batch.targets) ** 2).sum(-1).numpy() / np.square(SIGMAS)[:, None]
    learned = stack_of(dim, residual="score")
    learned.theta.zero_()
    conditioned = Conditioned(
        dim, 4, 1, 0.05, 1.0, [0, 0], [9, 9], np.zeros((2, dim)).tolist(), [1.0, 1.0], [0.0, 0.3]
    )
    conditioned.initialise([np.random.default_rng(k) for k in range(2)])
    for stack in (learned, conditioned):
        theta = stack.theta.double()
        np.testing.assert_allclose(denoising(stack, theta, batch), (weights * noise).sum(1))
        np.testing.assert_allclose(contractive(stack, theta, batch), [dim, dim])


def test_known_values_of_a_constant():
    """With r = 0 both cost |x|^2 / sigma^2: nothing bends."""
    stack, (batch, weights) = stack_of(2), batch_of(2)
    stack.theta.zero_()
    expected = (weights * (batch.targets**2).sum(-1).numpy()).sum(1) / np.square(SIGMAS)
    for objective in (denoising, contractive):
        np.testing.assert_allclose(objective(stack, stack.theta, batch), expected)


def test_each_objective_has_its_name():
    assert {"dae": denoising, "rcae": contractive, "ssm": sliced} == OBJECTIVES


@pytest.mark.parametrize("thickness", [0.0, 0.7])
@pytest.mark.parametrize("features", [0, 5])
def test_sliced_score_matching_is_what_autograd_makes_of_the_score(features, thickness):
    member = [0], [9], [[0.1, 0.2, 0.3]], [1.5], [thickness]
    stack = Conditioned(3, 6, 2, 0.05, 0.4, *member, features=features)
    stack.initialise([np.random.default_rng(0)])
    theta = torch.as_tensor(np.random.default_rng(1).normal(size=stack.theta.shape))
    clean, v = torch.as_tensor(np.random.default_rng(2).normal(size=(2, 1, 4, 3)))
    sigma = torch.full((1, 1), 0.4, dtype=torch.float64)
    (loss,) = sliced(stack, theta, Batch(clean + sigma * v, clean, sigma))

    def score(x):
        return ((stack.forward(theta, x[None, None], sigma)[0] - x) / sigma**2)[0, 0]

    expected = 0.0
    for x, direction in zip(clean[0], v[0], strict=True):
        slope = torch.autograd.functional.jacobian(score, x)
        expected += float(direction @ slope @ direction + 0.5 * (score(x) ** 2).sum()) / 4
    assert float(loss) == pytest.approx(expected, rel=1e-10)
