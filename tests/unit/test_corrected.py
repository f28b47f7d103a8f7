import numpy as np
import pytest
import torch

from autoscore.models.corrected.network import Corrected
from autoscore.models.registry import load_stack
from autoscore.optimum.linear import LinearOptimum

VARIANCES = [2.0, 0.5, 0.1, 0.0]


def corrected(seeds=(0, 1), filled=True):
    stack = Corrected(VARIANCES, 7, 6, 2, 0.05, 2.0, list(seeds), [50] * len(seeds))
    stack.initialise([np.random.default_rng(seed) for seed in seeds])
    if filled:  # so that nothing is 0
        noise = torch.randn(stack.theta.shape, generator=torch.Generator().manual_seed(1))
        stack.theta = stack.theta + 0.3 * noise
    return stack


def points(n=5, members=2):
    return torch.as_tensor(
        np.random.default_rng(2).standard_normal((members, n, 4)), dtype=torch.float32
    )


def test_without_weights_it_is_the_linear_optimum():
    stack, x = corrected(filled=False), points()
    linear = LinearOptimum(np.zeros(4), np.array(VARIANCES), np.eye(4))
    for sigma in (0.05, 0.3, 2.0):
        found, slope = stack.forward(stack.theta, x, torch.full((2, 1), sigma), jacobian=True)
        expected = linear(x.numpy().reshape(-1, 4).astype(float), sigma).reshape(x.shape)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        gain = np.array(VARIANCES) / (np.array(VARIANCES) + sigma**2)
        np.testing.assert_allclose(slope, np.broadcast_to(np.diag(gain), slope.shape), atol=1e-6)


@pytest.mark.parametrize("several", [True, False])
def test_the_jacobian_is_that_of_autograd(several):
    stack, x = corrected(), points(3)
    stack.theta, x = stack.theta.double(), x.double()
    stack.variances = stack.variances.double()
    levels = torch.as_tensor([[0.1, 0.4, 1.0]] if several else [[0.3]], dtype=torch.float64)
    sigma = levels.expand(2, -1)
    # compared in double precision throughout
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autoscore.models.conditioned.network.DTYPE", torch.float64)
        _, slope = stack.forward(stack.theta, x, sigma, jacobian=True)
        for member in range(2):
            for k in range(3):

                def at(z, member=member, k=k):
                    moved = x.clone()
                    moved[member, k] = z
                    return stack.forward(stack.theta, moved, sigma)[0][member, k]

                expected = torch.autograd.functional.jacobian(at, x[member, k])
                np.testing.assert_allclose(slope[member, k], expected, atol=1e-9)


def test_the_unit_of_its_loss_is_the_linear_error():
    stack = corrected()
    linear = LinearOptimum(np.zeros(4), np.array(VARIANCES), np.eye(4))
    x = np.random.default_rng(3).standard_normal((20_000, 4)) * np.sqrt(VARIANCES)
    sigma = torch.tensor([[0.1, 1.0]])
    expected = linear.error(x, np.array([0.1, 1.0])).mean(1)
    # a mean of 20,000: a standard error of at most 1 %
    np.testing.assert_allclose(stack.unit(sigma)[0], expected, rtol=0.04)


def test_it_survives_a_file(tmp_path):
    stack, x, sigma = corrected(), points(), torch.full((2, 1), 0.3)
    stack.save(tmp_path / "one.safetensors")
    loaded = load_stack(tmp_path / "one.safetensors")
    assert isinstance(loaded, Corrected)
    assert torch.equal(
        loaded.forward(loaded.theta, x, sigma)[0], stack.forward(stack.theta, x, sigma)[0]
    )


def test_members_are_independent():
    stack, x = corrected(), points()
    alone = stack.take([1])
    found = alone.forward(alone.theta, x[1:], torch.full((1, 1), 0.3))[0]
    together = stack.forward(stack.theta, x, torch.full((2, 1), 0.3))[0][1:]
    np.testing.assert_allclose(found, together, atol=1e-6)
    field = stack.field(0.3, 1)
    np.testing.assert_allclose(field(x[1].double().numpy()), together[0], atol=1e-6)


def test_a_field_that_is_not_there_is_refused():
    for asked, message in (((3.0, 0), "must lie in"), ((0.3, 7), "no member has seed 7")):
        with pytest.raises(ValueError, match=message):
            corrected().field(*asked)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": 2.0, "high": 2.0}, "0 < low < high"),
        ({"seeds": [0]}, "same members"),
        ({"variances": [0.0, 0.0]}, "without any variance"),
    ],
)
def test_wrong_descriptions_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Corrected(**(corrected().description() | changes))
