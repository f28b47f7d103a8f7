import numpy as np
import pytest
import torch

from autoscore.densities.registry import make_density
from autoscore.models.conditioned.network import Conditioned
from autoscore.models.separate.network import Separate
from autoscore.optimum.bias import optimal_field
from autoscore.train import fit as training
from autoscore.train.batches import Batch, SampleBatches, quadrature_batch
from autoscore.train.fit import DivergedError, Schedule, fit
from autoscore.train.objectives import OBJECTIVES
from tests.unit.oracles import CONFIG

MIXTURE = make_density(CONFIG["densities"]["mixture"])
SIGMAS, SEEDS = np.array([0.5, 0.2, 0.5]), np.array([0, 0, 1])


def separate(hidden=6):
    shape, members = {"hidden": (hidden,), "gain": 2.0}, [np.inf] * 3
    stack = Separate(1, shape, SIGMAS, SEEDS, members, [[0.0]] * 3, [1.2] * 3)
    points = np.random.default_rng(7).uniform(-1.5, 1.5, (1, 50, 1)).repeat(3, 0)
    stack.initialise(torch.as_tensor(points), [np.random.default_rng(s) for s in SEEDS])
    return stack


def minibatches(noise="sobol", points=None):
    points = np.random.default_rng(8).standard_normal((2, 30, 1)) if points is None else points
    generators = [np.random.default_rng(k) for k in (20, 21)]
    sizes = [points.shape[1]] * 3
    return SampleBatches(points, sizes, SEEDS, SIGMAS, generators, noise=noise)


def test_the_learning_rate_warms_up_and_decays():
    schedule = Schedule(steps=200, learning_rate=0.3, warm_up=0.1)
    rates = np.array([schedule.rate(step) for step in range(200)])
    np.testing.assert_allclose(rates[:20], 0.3 * np.arange(1, 21) / 20)
    assert rates.max() == rates[19] == rates[20] == pytest.approx(0.3)
    assert (np.diff(rates[20:]) < 0).all()
    assert rates[110] == pytest.approx(0.15)  # half-way down the cosine
    assert 0 < rates[-1] < 1e-4 * 0.3


@pytest.mark.parametrize("warm_up", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_every_schedule_has_positive_rates(steps, warm_up):
    schedule = Schedule(steps=steps, learning_rate=0.1, warm_up=warm_up)
    rates = [schedule.rate(step) for step in range(steps)]
    assert all(0 < rate <= 0.1 * (1 + 1e-12) for rate in rates)


def test_adam_is_algorithm_1_of_kingma_and_ba():
    rng = np.random.default_rng(3)
    gradients, rates = (
        rng.standard_normal((50, 2, 4)) * 10.0 ** np.arange(-2, 2),
        0.1 * rng.random(50),
    )
    start = rng.standard_normal((2, 4))
    theta = torch.tensor(start)
    adam = training._Adam(theta)
    for gradient, rate in zip(gradients, rates, strict=True):
        adam.step(theta, torch.as_tensor(gradient), rate)
    for index in np.ndindex(2, 4):
        m, v, x = 0.0, 0.0, start[index]
        for t, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
            m = 0.9 * m + 0.1 * gradient[index]
            v = 0.999 * v + 0.001 * gradient[index] ** 2
            x -= rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-12)
        assert float(theta[index]) == pytest.approx(x, rel=1e-10)


@pytest.mark.parametrize("objective", ["dae", "rcae"])
def test_a_short_training_comes_close_to_the_optimum(objective):
    stack, batch = separate(hidden=12), quadrature_batch(MIXTURE, objective, SIGMAS, 128)
    batch = batch.inward(stack.shift, stack.scale)
    x, weights = MIXTURE.quadrature()

    def errors():
        found = []
        for sigma, seed in zip(SIGMAS, SEEDS, strict=True):
            best = optimal_field(MIXTURE, objective, sigma, 5001).score(x)[:, 0]
            difference = stack.field(sigma, seed).score(x)[:, 0] - best
            found.append(weights @ difference**2 / (weights @ best**2))
        return np.array(found)

    before = errors()
    trace = fit(stack, objective, batch, Schedule(steps=60, learning_rate=0.02, polish=120))
    assert before.min() > 0.2
    assert errors().max() < 5e-3
    assert (trace.losses[-1] < trace.losses[0]).all()


def test_the_polish_lowers_the_loss_further():
    batch, losses = quadrature_batch(MIXTURE, "dae", SIGMAS, 64), {}
    for polish in (0, 40):
        stack = separate()
        fit(stack, "dae", batch, Schedule(steps=30, learning_rate=0.02, polish=polish))
        losses[polish] = OBJECTIVES["dae"](stack, stack.theta, batch)
    assert (losses[40] < losses[0]).all()


def test_the_trace_holds_the_whole_loss():
    """Its last entry is the loss of the double integral, spread included, at the end."""
    batch, stack = quadrature_batch(MIXTURE, "dae", SIGMAS, 64), separate()
    messages = []
    schedule = Schedule(steps=20, polish=20, checks=4)
    trace = fit(stack, "dae", batch, schedule, report=messages.append)
    assert trace.steps == [10, 20, 30, 40]
    expected = OBJECTIVES["dae"](stack, stack.theta, batch) + batch.spread_loss()
    torch.testing.assert_close(trace.losses[-1], expected, rtol=1e-12, atol=0)
    assert [message.split(",")[0] for message in messages] == [
        f"step {step} of 40" for step in (10, 20, 30, 40)
    ]


def watched_training(held_out, data, schedule, monkeypatch):
    """Train; return the stack and all weights that were compared on held-out points, in order."""
    seen, denoising = [], OBJECTIVES["dae"]
    groups = held_out.inputs.shape[1] // 10

    def spy(stack, theta, batch):
        if batch.inputs.shape[1] == groups:
            seen.append(theta.clone())
        return denoising(stack, theta, batch)

    monkeypatch.setitem(training.OBJECTIVES, "dae", spy)
    stack = separate(hidden=20)
    fit(stack, "dae", data, schedule, held_out=held_out)
    monkeypatch.undo()
    return stack, seen[::10]


def held_out_losses(stack, theta, held_out):
    """Losses on the points themselves, (m, n), by the definition."""
    r = stack.forward(theta, held_out.inputs, held_out.sigma)[0]
    return (((r - held_out.targets) ** 2).sum(-1) / held_out.sigma**2).numpy()


@pytest.mark.parametrize("case", ["by heart", "a lucky check"])
def test_earlier_weights_are_kept_only_if_held_out_points_clearly_prefer_them(case, monkeypatch):
    # four points learned by heart: the held-out loss falls first, and then rises
    by_heart, rng = case == "by heart", np.random.default_rng(10)
    points = np.random.default_rng(9).standard_normal((2, 4 if by_heart else 400, 1))
    clean = rng.standard_normal((3, 2000 if by_heart else 40, 1))
    noisy = clean + SIGMAS[:, None, None] * rng.standard_normal(clean.shape)
    held_out = Batch(*map(torch.as_tensor, (noisy, clean, SIGMAS[:, None])))

    def data():
        return minibatches(noise="fixed" if by_heart else "fresh", points=points)

    schedule = Schedule(steps=120, learning_rate=0.05, batch=16, checks=40)
    stack, seen = watched_training(held_out, data(), schedule, monkeypatch)
    assert len(seen) == 11  # one in four checks, and once more at the end
    assert torch.equal(seen[-1], seen[-2])
    losses = np.stack([held_out_losses(stack, theta, held_out) for theta in seen])
    best, members = losses.mean(-1).argmin(0), range(3)
    gain = np.stack([losses[-1, k] - losses[best[k], k] for k in members])
    groups = gain.reshape(3, -1, 10).mean(1)
    clearly = groups.mean(1) > 3 * groups.std(1, ddof=1) / np.sqrt(10)
    assert (best < 9).any()  # for some member the last weights are not the best
    assert clearly.any() == by_heart
    for k in members:
        expected = seen[best[k]] if clearly[k] else seen[-1]
        assert torch.equal(stack.theta[k], expected[k])
    # without held-out points the last weights are kept
    alone = separate(hidden=20)
    fit(alone, "dae", data(), schedule)
    assert torch.equal(alone.theta, seen[-1])


@pytest.mark.parametrize(("part", "kept"), [(0.99, True), (1.01, False)])
@pytest.mark.parametrize("groups", [10, 4])
def test_earlier_weights_must_win_by_standard_errors_between_groups(
    groups, part, kept, monkeypatch
):
    stack = separate()
    first, last = stack.theta.clone(), stack.theta + 1.0
    point = torch.arange(40.0, dtype=torch.float64).expand(3, 40)[..., None]
    held_out = Batch(point, point, torch.as_tensor(SIGMAS)[:, None])
    losses = 1.0 + 0.5 * np.sin(np.arange(groups))  # of the last weights; the first have none
    ratio = losses.mean() / losses.std(ddof=1) * np.sqrt(groups)

    def loss(stack, theta, batch):
        assert batch.inputs.shape[1] == 40 // groups
        return losses[int(batch.inputs[0, 0, 0])] * (theta - first).mean(1)

    monkeypatch.setitem(training.OBJECTIVES, "dae", loss)
    monkeypatch.setattr(training, "GROUPS", groups)
    monkeypatch.setattr(training, "STANDARD_ERRORS", part * ratio)
    keeper = training._Keeper(stack, "dae", held_out)
    keeper.offer(first)
    stack.theta = last
    keeper.offer(last)
    keeper.finish()
    assert torch.equal(stack.theta, first if kept else last)


def test_a_broken_batch_names_the_member_and_the_step():
    batch = quadrature_batch(MIXTURE, "dae", SIGMAS, 64)
    batch.targets[2, 5] = torch.nan
    with pytest.raises(DivergedError, match=r"sigma 0\.5, seed 1") as error:
        fit(separate(), "dae", batch, Schedule(steps=40, checks=4))
    assert "at step 10" in str(error.value)
    assert "lower the schedule's learning_rate" in str(error.value)


def test_an_absurd_learning_rate_is_named():
    with pytest.raises(DivergedError, match=r"at step [23] for sigma 0\.5, seed 0: lower"):
        fit(separate(), "dae", minibatches(), Schedule(steps=5, learning_rate=1e200, checks=5))


def test_divergence_in_the_polish_is_an_error(monkeypatch):
    def broken(stack, theta, batch):
        calls.append(1)
        losses = denoising(stack, theta, batch)
        return losses * torch.nan if len(calls) > 7 else losses

    calls, denoising = [], OBJECTIVES["dae"]
    monkeypatch.setitem(training.OBJECTIVES, "dae", broken)
    batch = quadrature_batch(MIXTURE, "dae", SIGMAS, 64)
    with pytest.raises(DivergedError, match="step 7"):
        fit(separate(), "dae", batch, Schedule(steps=6, polish=4, checks=10))


def test_a_conditioned_model_names_its_seed():
    stack = Conditioned(1, 4, 1, 0.1, 1.0, [3], [30], [[0.0]], [1.0], [0.0])
    stack.initialise([np.random.default_rng(0)])
    points = np.full((4, 30, 1), np.nan)
    generators = [np.random.default_rng(k) for k in range(4)]
    data = SampleBatches(points, [30], [3], (0.1, 1.0), generators, dtype=torch.float32)
    with pytest.raises(DivergedError, match="for sigma drawn from its range, seed 3"):
        fit(stack, "dae", data, Schedule(steps=2, batch=4))


def test_a_polish_on_minibatches_is_refused():
    stack = separate()
    before = stack.theta.clone()
    with pytest.raises(ValueError, match="polish needs a fixed batch, not minibatches"):
        fit(stack, "dae", minibatches(), Schedule(steps=5, polish=1))
    assert torch.equal(stack.theta, before)


def test_divergence_in_the_last_step_is_an_error():
    with pytest.raises(DivergedError):
        fit(separate(), "dae", minibatches(), Schedule(steps=1, learning_rate=1e200))


class StoppedError(Exception):
    """Stands in for a kill."""


@pytest.mark.parametrize("noise", ["fresh", "fixed", "walkback"])
@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_killed_training_resumes_to_the_same_weights(noise, average, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVED", 0.0)  # after every step
    schedule = Schedule(steps=24, batch=8, checks=6, average=average)
    held_out = minibatches().draw(20)
    calls = []

    def look(theta):
        return theta.norm(dim=1).numpy()

    def run(stack, observe, checkpoint=None):
        options = {"held_out": held_out, "observe": observe, "checkpoint": checkpoint}
        return fit(stack, "dae", minibatches(noise), schedule, **options)

    def kill(theta):
        calls.append(look(theta))
        if len(calls) == 6:  # after step 16
            raise StoppedError
        return calls[-1]

    whole, again, checkpoint = separate(), separate(), tmp_path / "unfinished.npz"
    expected = run(whole, look)
    with pytest.raises(StoppedError):
        run(separate(), kill, checkpoint)
    assert [file.name for file in tmp_path.iterdir()] == ["unfinished.npz"]
    found = run(again, look, checkpoint)
    assert torch.equal(again.theta, whole.theta)
    assert found.steps == expected.steps
    assert found.observed_steps == expected.observed_steps == [0, 1, 2, 4, 8, 16, 24]
    for part in ("losses", "observed"):
        for one, other in zip(getattr(found, part), getattr(expected, part), strict=True):
            np.testing.assert_array_equal(one, other)


def test_observers_see_the_start_powers_of_two_and_the_end():
    stack = separate()
    start = stack.theta.clone()
    schedule, look = Schedule(steps=11, batch=8), lambda theta: theta.numpy().copy()
    trace = fit(stack, "dae", minibatches(), schedule, observe=look)
    assert trace.observed_steps == [0, 1, 2, 4, 8, 11]
    np.testing.assert_array_equal(trace.observed[0], start)
    np.testing.assert_array_equal(trace.observed[-1], stack.theta)


def test_averaged_weights_are_the_mean_of_late_ones():
    stack, steps, weights = separate(), 40, []

    class Spy(training._Adam):
        def step(self, theta, gradient, rate):
            super().step(theta, gradient, rate)
            weights.append(theta.detach().clone())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_Adam", Spy)
        fit(stack, "dae", minibatches(), Schedule(steps=steps, batch=8, average=0.5))
    expected = weights[-1] * 0
    shares = 0.5 ** np.arange(1, 30)
    for share, theta in zip(shares, weights[::-1], strict=False):
        expected = expected + share * theta
    np.testing.assert_allclose(stack.theta, expected, atol=1e-4)
