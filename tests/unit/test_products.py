"""Products with few columns and tanh made of a sigmoid, against PyTorch's own."""

import pytest
import torch

from autoscore.train import activations
from autoscore.train.activations import tanh
from autoscore.train.products import FEW, affine

DRAWN = torch.Generator().manual_seed(0)


def _drawn(*shape):
    return torch.randn(shape, generator=DRAWN, dtype=torch.float64, requires_grad=True)


def _gradients(value, tensors):
    weights = torch.linspace(-1.0, 2.0, value.numel(), dtype=value.dtype).view(value.shape)
    return torch.autograd.grad((weights * value).sum(), tensors)


@pytest.mark.parametrize("columns", [1, 2, FEW, FEW + 1])
def test_affine_maps_and_their_gradients_are_those_of_baddbmm(columns):
    bias, x, weight = _drawn(3, 1, columns), _drawn(3, 5, 7), _drawn(3, 7, columns)
    expected = torch.baddbmm(bias, x, weight)
    torch.testing.assert_close(affine(bias, x, weight), expected)
    torch.testing.assert_close(affine(None, x, weight), torch.bmm(x, weight))
    found = _gradients(affine(bias, x, weight), (bias, x, weight))
    torch.testing.assert_close(found, _gradients(expected, (bias, x, weight)))


@pytest.mark.parametrize("by_numpy", [True, False])
@pytest.mark.parametrize("units", [64, 63])  # whole vectors, and not
def test_tanh_and_its_slope_are_those_of_pytorch(units, by_numpy, monkeypatch):
    monkeypatch.setattr(activations, "numpy_is_fast", lambda: by_numpy)
    x = _drawn(2, 3, units)
    torch.testing.assert_close(tanh(20 * x), torch.tanh(20 * x), rtol=0, atol=1e-15)
    torch.testing.assert_close(_gradients(tanh(x), (x,)), _gradients(torch.tanh(x), (x,)))
    short = x.detach().bfloat16()
    eps = torch.finfo(torch.bfloat16).eps
    torch.testing.assert_close(tanh(short), torch.tanh(short), rtol=0, atol=eps)
