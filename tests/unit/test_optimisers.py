"""Separate auto-encoders by least squares and by the recipe as published."""

import numpy as np
import pytest
import torch

from autoscore.configuration import complete
from autoscore.densities.kernels import KernelDensity
from autoscore.models.separate import recipe
from autoscore.models.separate.least_squares import (
    RIDGES,
    _solutions,
    average_targets,
    solve_decoders,
)
from autoscore.models.separate.network import Architecture, Separate
from autoscore.models.separate.training import train_on_samples
from autoscore.numerics.streams import generator
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.train.batches import Batch, SampleBatches
from autoscore.train.fit import DivergedError
from autoscore.train.objectives import denoising
from tests.unit.oracles import CONFIG

STREAMS = (0, "spiral", "dae", "paper")
RNG = np.random.default_rng(5)
ANGLE = RNG.uniform(0.0, 2.0 * np.pi, 600)
CIRCLE = np.stack([np.cos(ANGLE), np.sin(ANGLE)], axis=-1)
DATA = {"train": np.stack([CIRCLE[:400]] * 2), "validation": CIRCLE[400:]}
SETTINGS = complete(CONFIG)["densities"]["spiral"]["train"] | {
    "sigmas": [0.2],
    "sizes": [400],
    "seeds": 2,
    "architecture": {"hidden": [60], "residual": "none", "gain": 4.0},
    "schedules": {"samples": {"steps": 1, "batch": 800}},
}


def batch_of(n, residual="none", sigma=0.3, seed=1):
    rng = np.random.default_rng(seed)
    clean = CIRCLE[:n]
    noisy = clean + sigma * rng.standard_normal(clean.shape)
    inputs, targets = (torch.as_tensor(part[None], dtype=torch.float32) for part in (noisy, clean))
    batch = Batch(inputs, targets, torch.full((1, 1), sigma))
    shape = Architecture((30,), residual=residual)
    stack = Separate(2, shape, [sigma], [0], [n], [[0.0, 0.0]], [1.0], precision="single")
    stack.initialise(CIRCLE, [rng])
    return stack, batch


def empty(units, d=2):
    """A stack of one without weights."""
    return Separate(d, Architecture((units,), residual="none"), [0.1], [0], [1], [[0.0] * d], [1.0])


def test_averaged_targets_are_the_best_reconstruction_for_the_points():
    for sigma in (0.01, 0.3, 3.0):
        _, batch = batch_of(300, sigma=sigma)
        found = average_targets(batch, [CIRCLE]).targets[0].numpy()
        noisy = batch.inputs[0].numpy().astype(float)
        expected = DenoisingOptimum(KernelDensity(CIRCLE), sigma)(noisy)
        np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("residual", ["none", "sigma", "score"])
def test_the_decoder_solved_for_is_where_loss_and_ridge_balance(residual, monkeypatch):
    stack, batch = batch_of(500, residual)
    double = Separate(**stack.description() | {"precision": "double"})
    double.theta = stack.theta.double()
    wide = Batch(*(part.double() for part in (batch.inputs, batch.targets, batch.sigma)))
    monkeypatch.setattr("autoscore.models.separate.least_squares.UNCHECKED", 1e-2)
    solve_decoders(double, wide, None, lambda message: None)
    theta = double.theta.clone().requires_grad_()
    named = double.views(theta)
    units = double.units(named, wide.inputs)[-1][0]
    scale = {"none": 1.0, "sigma": 0.3, "score": 0.09}[residual]
    weight, bias = named["decoder.weight"], named["decoder.bias"]
    ridge = ((units**2).mean(0)[:, None] * weight[0] ** 2).sum() + (bias**2).sum()
    loss = denoising(double, theta, wide)[0] * 0.3**2 / scale**2 + 1e-2 * ridge
    (slope,) = torch.autograd.grad(loss, theta)
    parts = double.views(slope)
    assert parts["decoder.weight"].abs().max() < 1e-7
    assert parts["decoder.bias"].abs().max() < 1e-7
    assert parts["encoder.0.weight"].abs().max() > 1e-4  # which stays as it was drawn


def test_each_member_takes_the_ridge_that_held_out_points_prefer():
    stack, batch = batch_of(60)
    _, held_out = batch_of(500, seed=2)
    trace = solve_decoders(stack, batch, held_out, lambda message: None)
    found = float(denoising(stack, stack.theta, held_out)[0])
    assert found == pytest.approx(float(trace.losses[0][0]), rel=1e-6)
    other, _ = batch_of(60)
    for ridge in RIDGES:
        other.theta = stack.theta.clone()
        (theta,) = _solutions(other, batch, [ridge])
        assert found <= float(denoising(other, theta[None], held_out)[0]) * (1 + 1e-6)


def test_least_squares_learn_the_posterior_mean_of_a_circle():
    learned, trace = train_on_samples(DATA, SETTINGS | {"noise": "fresh"}, "dae", STREAMS)
    rng = np.random.default_rng(9)
    noisy = CIRCLE[:300] + 0.2 * rng.standard_normal((300, 2))
    best = DenoisingOptimum(KernelDensity(CIRCLE), 0.2)(noisy)
    for seed in (0, 1):
        error = learned.field(0.2, seed, 400)(noisy) - best
        assert (error**2).sum() < 0.05 * ((noisy - best) ** 2).sum()
    assert trace.steps == [1]
    # a member alone is what it is beside others
    alone = train_on_samples(DATA, SETTINGS | {"noise": "fresh"}, "dae", STREAMS, members=[1])[0]
    torch.testing.assert_close(alone.theta[0], learned.theta[1], rtol=1e-4, atol=1e-5)


RECIPE = SETTINGS | {"optimiser": "bfgs", "noise": "fixed"}
RECIPE |= {"schedules": {"samples": {"steps": 40, "checks": 4}}}


def test_the_recipe_starts_as_published_on_raw_coordinates_and_lowers_the_loss():
    shifted = {"train": DATA["train"] + 7.0, "validation": DATA["validation"]}
    learned, trace = train_on_samples(shifted, RECIPE, "dae", STREAMS)
    assert (learned.shift == 0).all()
    assert (learned.scale == 1).all()
    assert trace.steps == [10, 20, 30, 40]
    losses = torch.stack(trace.losses)
    assert (losses.diff(dim=0) < 0).all()
    recipe.start(start := empty(500), [np.random.default_rng(1)])
    named = start.views(start.theta)
    for name, largest in (("encoder.0.weight", 1.0), ("encoder.0.bias", 0.1)):
        assert 0.9 * largest < named[name].abs().max() <= largest


def test_the_recipe_s_losses_are_those_of_its_weights_and_each_member_s_own():
    learned, trace = train_on_samples(DATA, RECIPE, "dae", STREAMS)
    alone = train_on_samples(DATA, RECIPE, "dae", STREAMS, members=[1])
    assert torch.equal(alone[0].theta[0], learned.theta[1])
    assert alone[1].losses[-1][0] == trace.losses[-1][1]
    streams = [generator(*STREAMS, "batches", seed) for seed in range(2)]
    levels, scale = learned.sigmas, learned.scale
    drawn = {"noise": "fixed", "shift": learned.shift, "scale": scale, "dtype": torch.float32}
    batch = SampleBatches(DATA["train"], [400, 400], [0, 1], levels, streams, **drawn)
    found = denoising(learned, learned.theta, batch.every_point())
    torch.testing.assert_close(found.double(), trace.losses[-1], rtol=1e-4, atol=0)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_recipe_s_loss_and_gradient_are_pytorch_s(d, monkeypatch):
    monkeypatch.setattr(recipe, "AT_ONCE", 30 * 400)  # four blocks of points, the last one smaller
    rng = np.random.default_rng(d)
    stack = empty(30, d)
    recipe.start(stack, [rng])
    noisy, clean = rng.standard_normal((2, 1500, d))
    theta = stack.theta.double().requires_grad_()
    named = stack.views(theta)
    units = torch.tanh(torch.as_tensor(noisy) @ named["encoder.0.weight"] + named["encoder.0.bias"])
    found = units @ named["decoder.weight"] + named["decoder.bias"]
    loss = ((found - torch.as_tensor(clean)) ** 2).sum()
    (slope,) = torch.autograd.grad(loss, theta)
    value, gradient = recipe.summed_loss(theta[0].detach().numpy(), noisy, clean)
    assert value == pytest.approx(float(loss.detach()), rel=1e-6)
    np.testing.assert_allclose(gradient, slope[0], rtol=1e-4, atol=1e-6 * float(slope.abs().max()))


@pytest.mark.parametrize("place", [(0, 7, 0), (0, 0, 1)])
@pytest.mark.parametrize("part", ["inputs", "targets"])
def test_a_loss_that_is_not_finite_is_an_error(part, place):
    stack = empty(8)
    recipe.start(stack, [np.random.default_rng(1)])
    _, batch = batch_of(50)
    getattr(batch, part)[place] = torch.nan
    with pytest.raises(DivergedError, match=r"not finite for sigma 0\.1, seed 0"):
        recipe.follow(stack, batch, 5, 5, lambda message: None)


@pytest.mark.parametrize("iterations", [1, 3, 17])
def test_the_last_loss_of_the_recipe_is_that_of_its_weights(iterations):
    stack, (_, batch) = empty(8), batch_of(50)
    recipe.start(stack, [np.random.default_rng(1)])
    trace = recipe.follow(stack, batch, iterations, 5, lambda message: None)
    assert trace.steps[-1] == iterations
    assert len(trace.steps) == len(set(trace.steps)) == len(trace.losses)
    wide = Batch(*(part.double() for part in (batch.inputs, batch.targets, batch.sigma)))
    found = denoising(stack, stack.theta, wide)
    torch.testing.assert_close(found, trace.losses[-1].to(found), rtol=1e-4, atol=0)


def test_a_member_that_can_go_no_lower_ends_and_says_so():
    stack, (_, batch), said = empty(4), batch_of(3), []
    recipe.start(stack, [np.random.default_rng(1)])
    trace = recipe.follow(stack, batch, 5000, 5, said.append)
    (end,) = [line for line in said if "ends after iteration" in line]
    assert "auto-encoder 1 of 1" in end
    assert trace.losses[-1] == trace.losses[-2] < 1e-3


def test_every_point_comes_once_with_the_noise_that_was_drawn_once():
    def batches(noise):
        streams = [np.random.default_rng(1)]
        return SampleBatches(CIRCLE[None], [600], [0], np.array([0.1]), streams, noise=noise)

    fixed = batches("fixed")
    first, again = fixed.every_point(), fixed.every_point()
    np.testing.assert_array_equal(first.targets[0].numpy(), CIRCLE)
    assert torch.equal(first.inputs, again.inputs)
    with pytest.raises(ValueError, match=r"noise must be fixed, .* not fresh"):
        batches("fresh").every_point()
    streams = [np.random.default_rng(1)]
    several = SampleBatches(
        CIRCLE[None], [600, 300], [0, 0], np.array([0.1, 0.1]), streams, noise="fixed"
    )
    with pytest.raises(ValueError, match=r"equally many points, not \[300, 600\]"):
        several.every_point()
