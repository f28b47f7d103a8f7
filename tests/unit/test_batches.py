import numpy as np
import pytest
import torch
from scipy.stats import binomtest, kstest, norm, ttest_ind

from autoscore.densities.energies import EnergyDensity
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.registry import make_density
from autoscore.models.separate.network import Separate
from autoscore.train.batches import (
    LARGE,
    LONGEST,
    NOISES,
    RARE,
    Batch,
    SampleBatches,
    average_over_batch,
    quadrature_batch,
)
from autoscore.train.objectives import contractive, denoising
from tests.unit.oracles import CONFIG, FALSE_ALARM, THREE_WELLS

DENSITIES = {
    "three_wells": make_density(THREE_WELLS),
    "mixture": make_density(CONFIG["densities"]["mixture"]),
    "points": KernelDensity(np.array([[-0.5], [0.0], [0.5]])),
}
SIGMAS = np.array([0.5, 0.5, 0.1])


def smooth_stack(sigmas, residual="none"):
    """Untrained auto-encoders whose reconstructions bend over about a unit of length."""
    m = len(sigmas)
    members = sigmas, range(m), [np.inf] * m, [[0.1]] * m, [1.5] * m
    stack = Separate(1, {"hidden": (6,), "residual": residual}, *members)
    parameters = sum(int(np.prod(shape)) for shape in stack.shapes().values())
    stack.theta = torch.as_tensor(np.random.default_rng(0).standard_normal((m, parameters)))
    return stack


def inward(stack, batch):
    return batch.inward(stack.shift, stack.scale)


def clean_rule(density):
    """Nodes and weights of p itself, computed independently."""
    if isinstance(density, KernelDensity):
        return density.points[:, 0], np.full(3, 1 / 3)
    low, high = (-1.5, 1.5) if isinstance(density, EnergyDensity) else (-5.5, 5.2)
    unit, weight = np.polynomial.legendre.leggauss(20)
    centres, half = np.linspace(low, high, 81)[1::2], (high - low) / 80
    x = (centres[:, None] + half * unit).ravel()
    weights = np.tile(weight, 40) * np.exp(density.log_prob(x[:, None]))
    return x, weights / weights.sum()


def reconstruct(stack, member, x):
    field = stack.field(stack.sigmas[member], member)
    return field(x.reshape(-1, 1)).reshape(x.shape)


@pytest.mark.parametrize("name", DENSITIES)
def test_the_denoising_batch_stands_for_the_double_integral(name):
    density, stack = DENSITIES[name], smooth_stack(SIGMAS)
    batch = inward(stack, quadrature_batch(density, "dae", SIGMAS, 512))
    actual = denoising(stack, stack.theta, batch) + batch.spread_loss()
    x, weights = clean_rule(density)
    normal, normal_weights = np.polynomial.hermite_e.hermegauss(50)
    normal_weights = normal_weights / np.sqrt(2 * np.pi)
    for member, sigma in enumerate(SIGMAS):
        noisy = x[:, None] + sigma * normal
        error = (reconstruct(stack, member, noisy) - x[:, None]) ** 2
        expected = weights @ error @ normal_weights / sigma**2
        assert float(actual[member]) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("name", DENSITIES)
def test_the_contractive_batch_stands_for_the_integral(name):
    density, stack = DENSITIES[name], smooth_stack(SIGMAS)
    batch = inward(stack, quadrature_batch(density, "rcae", SIGMAS, 512))
    actual = contractive(stack, stack.theta, batch) + batch.spread_loss()
    x, weights = clean_rule(density)
    for member, sigma in enumerate(SIGMAS):
        slope = stack.field(sigma, member).jacobian(x[:, None])[:, 0, 0]
        error = (reconstruct(stack, member, x) - x) ** 2
        expected = weights @ (error / sigma**2 + slope**2)
        assert float(actual[member]) == pytest.approx(expected, rel=1e-9)


def test_the_spread_is_the_least_denoising_loss():
    """C3: the loss of the best denoiser is sigma^2 d - sigma^4 E|s_sigma|^2."""
    gaussian = make_density(
        {"kind": "mixture", "weights": [1], "means": [[0.3]], "standard_deviations": [0.4]}
    )
    batch = quadrature_batch(gaussian, "dae", SIGMAS, 256)
    expected = 0.16 / (0.16 + SIGMAS**2)  # 1 - sigma^2 / (v + sigma^2)
    np.testing.assert_allclose(batch.spread_loss(), expected, rtol=1e-9)


def test_denoising_and_contraction_agree_to_first_order():
    """P1: L_DAE = L_RCAE + o(sigma^2); with r = x + sigma^2 g they differ by some c sigma^6.

    In units of sigma^2 both are 1 + sigma^2 E[2 dg + g^2] + sigma^4 ..., with dg the slope of g.
    """
    density, difference = DENSITIES["mixture"], []
    for sigma in (0.02, 0.01):
        stack = smooth_stack([sigma], residual="score")
        noisy = inward(stack, quadrature_batch(density, "dae", np.array([sigma]), 512))
        clean = inward(stack, quadrature_batch(density, "rcae", np.array([sigma]), 512))
        dae = denoising(stack, stack.theta, noisy) + noisy.spread_loss()
        difference.append(float(dae - contractive(stack, stack.theta, clean)))
    assert np.log2(difference[0] / difference[1]) == pytest.approx(4, abs=0.01)


@pytest.mark.parametrize("objective", ["dae", "rcae"])
def test_every_member_gets_the_rows_of_its_own_level(objective):
    batch = quadrature_batch(DENSITIES["mixture"], objective, SIGMAS, 64)
    np.testing.assert_array_equal(batch.sigma[:, 0], SIGMAS)
    np.testing.assert_allclose(batch.weights.sum(1), 1, rtol=1e-12)
    for member, sigma in enumerate(SIGMAS):
        alone = quadrature_batch(DENSITIES["mixture"], objective, np.array([sigma]), 64)
        for part in ("inputs", "targets", "weights", "spread"):
            assert torch.equal(getattr(batch, part)[member], getattr(alone, part)[0])


def test_a_batch_without_weights_takes_plain_means():
    values = torch.tensor([[1.0, 3.0], [0.0, 1.0]])
    batch = Batch(values[..., None], values[..., None], torch.ones(2, 1))
    assert batch.mean(values).tolist() == [2.0, 0.5]
    assert batch.spread_loss() == 0
    sigma, weights = torch.tensor([[2.0], [1.0]]), torch.tensor([[0.25, 0.75], [1.0, 0.0]])
    spread = torch.tensor([[4.0, 8.0], [3.0, 5.0]])
    weighted = Batch(values[..., None], values[..., None], sigma, weights, spread)
    assert weighted.mean(values).tolist() == [2.5, 0.0]
    assert weighted.spread_loss().tolist() == [1.75, 3.0]


POINTS = np.random.default_rng(1).standard_normal((2, 40, 2))
MEMBERS = {
    "sizes": np.array([10, 40, 10, 40]),
    "seeds": np.array([0, 0, 1, 0]),
    "sigmas": np.array([0.1, 0.1, 0.3, 2.0]),
}


def batches(noise="fresh", *, members=slice(None), **change):
    described = {key: value[members] for key, value in MEMBERS.items()} | change
    generators = [np.random.default_rng(k) for k in range(2)]
    return SampleBatches(POINTS, **described, generators=generators, noise=noise)


def noise_of(batch):
    """The standard normal noise in a batch, (m, n, d)."""
    return ((batch.inputs - batch.targets) / batch.sigma[..., None]).numpy()


@pytest.mark.parametrize("noise", NOISES)
def test_targets_are_the_first_points_of_the_members_seed(noise):
    drawn = batches(noise).draw(1000)
    assert drawn.inputs.shape == drawn.targets.shape == (4, 1000, 2)
    assert drawn.sigma.shape == (4, 1)
    for member, (size, seed) in enumerate(zip(MEMBERS["sizes"], MEMBERS["seeds"], strict=True)):
        seen = np.unique(drawn.targets[member].numpy(), axis=0)
        # one of 40 points escapes 500 draws with probability 3e-6
        np.testing.assert_array_equal(seen, np.unique(POINTS[seed, :size], axis=0))


@pytest.mark.parametrize("change", [{}, {"sigmas": (0.1, 2.0)}], ids=["one level", "a range"])
def test_even_batches_keep_the_mean_of_the_loss_and_reduce_its_noise(change):
    """Means over ten steps, as Adam takes them, of |x - A y|^2 / sigma^2 with some matrix A."""
    turn = torch.tensor([[0.6, 0.3], [-0.2, 0.9]], dtype=torch.float64)

    def mean_loss(noise, seed):
        generators = [np.random.default_rng(seed)]
        levels = change.get("sigmas", [0.5])
        source = SampleBatches(
            POINTS[:1], [40], [0], levels, generators, noise=noise, averaged=False
        )
        drawn = [source.draw(128) for _ in range(10)]
        errors = [(each.targets - each.inputs @ turn.T) / each.sigma[..., None] for each in drawn]
        return np.mean([float((error**2).sum(-1).mean()) for error in errors])

    even, fresh = (
        np.array([mean_loss(noise, seed) for seed in range(100)]) for noise in ("sobol", "fresh")
    )
    assert ttest_ind(even, fresh, equal_var=False).pvalue > FALSE_ALARM
    assert even.std() < 0.2 * fresh.std()


@pytest.mark.parametrize("noise", ["sobol", "fresh"])
@pytest.mark.parametrize("change", [{}, {"sigmas": (0.1, 2.0)}], ids=["one level", "a range"])
def test_paired_noise_sums_to_zero(noise, change):
    drawn = batches(noise, paired=True, averaged=False, **change).draw(49)
    normal = noise_of(drawn)
    assert drawn.inputs.shape == (4, 50, 2)
    np.testing.assert_allclose(normal[:, :25], -normal[:, 25:], rtol=1e-9)
    assert torch.equal(drawn.targets[:, :25], drawn.targets[:, 25:])
    alone = noise_of(batches(noise, paired=False, averaged=False, **change).draw(50))
    assert np.abs(alone.sum(1)).min() > 1e-3


@pytest.mark.parametrize(
    ("levels", "noise", "paired"),
    [([0.5], "sobol", True), ([0.5], "fresh", False), ((0.1, 2.0), "sobol", False)],
)
def test_noise_is_paired_where_that_pays(levels, noise, paired):
    generators = [np.random.default_rng(0)]
    source = SampleBatches(POINTS[:1], [40], [0], levels, generators, noise=noise)
    normal = noise_of(source.draw(10))
    assert np.allclose(normal[:, :5], -normal[:, 5:]) == paired


@pytest.mark.parametrize("change", [{"noise": "fixed"}, {"corrupt": False}])
def test_noise_that_is_not_new_cannot_be_paired(change):
    with pytest.raises(ValueError, match="new at every step"):
        batches(**change, paired=True)


@pytest.mark.parametrize(
    ("levels", "noise", "corrupt", "averaged"),
    [
        ((0.1, 2.0), "sobol", True, True),
        ((0.1, 2.0), "sobol", False, False),
        ((0.1, 2.0), "fresh", True, False),
        ([0.5], "sobol", True, False),
    ],
)
def test_targets_are_averaged_where_that_pays(levels, noise, corrupt, averaged):
    generators = [np.random.default_rng(0)]
    source = SampleBatches(POINTS[:1], [40], [0], levels, generators, noise=noise, corrupt=corrupt)
    targets = source.draw(50).targets[0].numpy()
    distance = np.abs(targets[:, None] - POINTS[0]).max(-1).min(1)
    assert (distance.max() > 0.01) == averaged


@pytest.mark.parametrize("change", [{"noise": "fixed"}, {"noise": "walkback"}, {"corrupt": False}])
def test_targets_of_noise_that_is_not_new_cannot_be_averaged(change):
    with pytest.raises(ValueError, match="new at every step"):
        batches(**change, averaged=True)


def test_averaged_targets_are_posterior_means_over_the_batch():
    drawn = batches("sobol", sigmas=(0.1, 2.0), averaged=False).draw(30)
    averaged = average_over_batch(drawn)
    assert torch.equal(averaged.inputs, drawn.inputs)
    for member in (0, 2):
        clean = drawn.targets[member].numpy()
        for k in (0, 17):
            y, sigma = drawn.inputs[member, k].numpy(), float(drawn.sigma[member, k])
            likelihood = norm.pdf(y, clean, sigma).prod(-1)
            mean = likelihood @ clean / likelihood.sum()
            np.testing.assert_allclose(averaged.targets[member, k], mean, rtol=1e-9)
            spread = ((clean[k] - mean) ** 2).sum()
            np.testing.assert_allclose(averaged.spread[member, k], spread, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("noise", ["sobol", "fresh"])
def test_averaging_keeps_loss_and_gradient_and_reduces_the_noise_of_the_latter(noise):
    """Means over a batch of |x - a y|^2 / sigma^2 near the best a, and its slope along a matrix."""

    def measure(averaged, seed):
        source = SampleBatches(
            POINTS[:1],
            [40],
            [0],
            (0.3, 2.0),
            [np.random.default_rng([seed, averaged])],
            noise=noise,
            averaged=averaged,
        )
        drawn = source.draw(32)
        gain = 1 / (1 + drawn.sigma[..., None] ** 2)
        error = (gain * drawn.inputs - drawn.targets) / drawn.sigma[..., None]
        slope = (error / drawn.sigma[..., None]).transpose(1, 2) @ drawn.inputs / 16
        loss = (error**2).sum(-1).mean() + drawn.spread_loss()
        return [float(loss), *slope.ravel().tolist()]

    averaged, plain = (np.array([measure(way, k) for k in range(2000)]) for way in (True, False))
    assert (ttest_ind(averaged, plain, equal_var=False).pvalue > FALSE_ALARM).all()
    # averaging never adds variance (Rao-Blackwell); 2,000 batches tell a tenth from chance
    assert averaged[:, 1:].var(0).sum() < 0.9 * plain[:, 1:].var(0).sum()


def copies(batch, member):
    """Numbers of different noisy copies of each point that a member was shown."""
    targets, inputs = batch.targets[member].numpy(), batch.inputs[member].numpy()
    _, which = np.unique(targets, axis=0, return_inverse=True)
    return [len(np.unique(inputs[which == k].round(9), axis=0)) for k in range(which.max() + 1)]


def test_fixed_noise_repeats_and_fresh_noise_does_not():
    fixed, fresh = batches("fixed"), batches("fresh")
    first, second = fixed.draw(400), fixed.draw(400)
    pairs = ((first.inputs, second.inputs), (first.targets, second.targets))
    both = Batch(*(torch.cat(pair, 1) for pair in pairs), first.sigma)
    assert copies(both, 0) == [1] * 10
    assert copies(both, 1) == [1] * 40
    assert min(copies(fresh.draw(400), 0)) > 20


@pytest.mark.parametrize("noise", NOISES)
def test_the_levels_of_a_seed_share_points_and_noise(noise):
    drawn = batches(noise).draw(30)
    normal = noise_of(drawn)
    # members 1 and 3 differ in sigma alone
    assert torch.equal(drawn.targets[1], drawn.targets[3])
    np.testing.assert_allclose(normal[1], normal[3], rtol=1e-9)
    # member 2 has another seed
    assert not torch.equal(drawn.targets[0], drawn.targets[2])
    assert not np.isclose(normal[0], normal[2]).any()


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("levels", ["each", "range"])
def test_a_member_alone_sees_what_it_sees_in_company(noise, levels):
    change = {"sigmas": (0.1, 2.0)} if levels == "range" else {}
    company = batches(noise, **change)
    company.draw(7)
    expected = company.draw(7)
    for member in range(4):
        one = slice(member, member + 1)
        alone = batches(noise, members=one, **change)
        alone.draw(7)
        actual = alone.draw(7)
        for part in ("inputs", "targets", "sigma"):
            assert torch.equal(getattr(actual, part), getattr(expected, part)[one])


@pytest.mark.parametrize("noise", ["sobol", "fresh", "fixed"])
def test_noise_is_standard_normal(noise):
    points = np.zeros((1, 4000, 1))
    source = SampleBatches(points, [4000], [0], [0.7], [np.random.default_rng(2)], noise=noise)
    normal = noise_of(source.draw(4000))[0, :, 0]
    if noise == "fixed":  # points, and so copies, are drawn with repetition
        normal = np.unique(normal)
    assert kstest(normal, "norm").pvalue > FALSE_ALARM


@pytest.mark.parametrize("noise", NOISES)
def test_contractive_inputs_are_clean(noise):
    drawn = batches(noise, corrupt=False).draw(20, lambda x, sigma: x + 1.0)
    assert torch.equal(drawn.inputs, drawn.targets)
    assert drawn.inputs.shape == (4, 20, 2)


@pytest.mark.parametrize("noise", ["sobol", "fresh"])
def test_levels_of_a_range_are_log_uniform(noise):
    drawn = batches(noise, sigmas=(0.01, 1.0), averaged=False).draw(2000)
    assert drawn.sigma.shape == (4, 2000)
    position = np.log(drawn.sigma[0].numpy() / 0.01) / np.log(100)
    assert kstest(position, "uniform").pvalue > FALSE_ALARM
    normal = noise_of(drawn)[0].ravel()
    assert kstest(normal, "norm").pvalue > FALSE_ALARM
    assert abs(np.corrcoef(normal[::2], position)[0, 1]) < 5 / np.sqrt(2000)


@pytest.mark.parametrize("noise", NOISES)
def test_batches_resume_from_a_state(noise):
    first, second = batches(noise, sigmas=(0.1, 2.0)), batches(noise, sigmas=(0.1, 2.0))
    first.draw(30)
    second.restore(first.state())
    expected, actual = first.draw(30), second.draw(30)
    assert torch.equal(actual.inputs, expected.inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_have_the_type_asked_for(dtype):
    drawn = batches("sobol", dtype=dtype).draw(4)
    assert {drawn.inputs.dtype, drawn.targets.dtype, drawn.sigma.dtype} == {dtype}


def test_an_unknown_noise_is_named():
    with pytest.raises(ValueError, match=r"must be one of sobol, fresh, .*, not 'salt'"):
        batches("salt")


def one_member(noise, n, dim=1, sigma=0.7, reconstruct=None):
    """Standard normal noise of n draws, (n, d), for one member on points that are far apart."""
    points = 100.0 * np.arange(20.0)[None, :, None].repeat(dim, 2)
    source = SampleBatches(points, [20], [0], [sigma], [np.random.default_rng(3)], noise=noise)
    drawn = source.draw(n, reconstruct)
    assert np.isin(drawn.targets[0].numpy(), points).all()
    return noise_of(drawn)[0]


def test_rare_noise_is_ten_times_as_large_at_one_point_in_twenty():
    normal = one_member("rare_large", 100_000, dim=2)
    assert (RARE, LARGE) == (0.05, 10.0)
    # beyond 5 there is large noise alone, but for 6 points in ten million
    beyond = np.abs(normal[:, 0]) > 5
    chance = 0.05 * 2 * norm.sf(0.5) + 0.95 * 2 * norm.sf(5)
    assert binomtest(int(beyond.sum()), len(normal), chance).pvalue > FALSE_ALARM
    # a point is scaled as a whole: its other coordinate has the same spread
    assert kstest(normal[beyond, 1] / 10, "norm").pvalue > FALSE_ALARM
    mixed = lambda z: 0.95 * norm.cdf(z) + 0.05 * norm.cdf(z / 10)  # noqa: E731
    assert kstest(normal[:, 0], mixed).pvalue > FALSE_ALARM


def walk_lengths():
    """Numbers of noises in a walk, and their chances: halved with each, but for the longest."""
    counts = np.arange(1, LONGEST + 1)
    return counts, 0.5 ** np.minimum(counts, LONGEST - 1)


def test_a_walk_by_the_identity_is_a_sum_of_a_geometric_number_of_noises():
    normal = one_member("walkback", 400_000, dim=2, reconstruct=lambda x, sigma: x)
    counts, chances = walk_lengths()
    variance, fourth = chances @ counts, chances @ (3 * counts**2)
    assert variance == 2 - 0.5 ** (LONGEST - 1)
    # the standard error of a variance; five of them: a false alarm in 2 million
    error = np.sqrt((fourth - variance**2) / len(normal))
    for axis in (0, 1):
        assert (normal[:, axis] ** 2).mean() == pytest.approx(variance, abs=5 * error)
        cdf = lambda z: norm.cdf(z[:, None] / np.sqrt(counts)) @ chances  # noqa: E731
        assert kstest(normal[:20_000, axis], cdf).pvalue > FALSE_ALARM
    # a point walks as a whole: squares of its coordinates share the number of steps
    shared = (chances @ counts**2 - variance**2) / (fourth - variance**2)
    found = np.corrcoef(normal[:, 0] ** 2, normal[:, 1] ** 2)[0, 1]
    assert found == pytest.approx(shared, abs=0.02)


def test_a_walk_goes_on_from_the_reconstruction_under_fresh_noise():
    """With r = 0 every further step forgets all that was before it."""
    seen = []

    def reconstruct(x, sigma):
        seen.append((x.clone(), sigma))
        return torch.zeros_like(x)

    source = batches("walkback")
    drawn = source.draw(4000, reconstruct)
    assert len(seen) == LONGEST - 1
    assert all(torch.equal(sigma, drawn.sigma) for _, sigma in seen)
    # the first is shown the point under its own noise
    first, stayed = seen[0][0], (seen[0][0] == drawn.inputs).all(-1).numpy()
    noise = ((first - drawn.targets) / drawn.sigma[..., None]).numpy()
    assert kstest(noise[0].ravel(), "norm").pvalue > FALSE_ALARM
    for member, still in enumerate(stayed):
        assert binomtest(int(still.sum()), 4000, 0.5).pvalue > FALSE_ALARM
        fresh = drawn.inputs[member].numpy()[~still] / MEMBERS["sigmas"][member]
        assert kstest(fresh.ravel(), "norm").pvalue > FALSE_ALARM
        assert abs(np.corrcoef(fresh[:, 0], noise[member][~still, 0])[0, 1]) < 5 / np.sqrt(1900)


def test_the_levels_of_a_seed_walk_together():
    drawn = batches("walkback").draw(50, lambda x, sigma: x)
    normal = noise_of(drawn)
    assert torch.equal(drawn.targets[1], drawn.targets[3])
    np.testing.assert_allclose(normal[1], normal[3], rtol=1e-9)
    assert not np.isclose(normal[0], normal[2]).any()
    # without a reconstruction there is no walk, and the same first noise
    alone = noise_of(batches("walkback").draw(50))
    same = np.isclose(alone[1], normal[1]).all(-1)
    assert 5 < same.sum() < 45  # of 50 with chance a half: a false alarm in a hundred million


@pytest.mark.parametrize("levels", ["each member", "each point"])
@pytest.mark.parametrize(("n", "parts"), [(20, 10), (23, 10), (4, 10), (5, 1)])
def test_a_batch_is_split_into_every_nth_point(n, parts, levels):
    inputs = torch.arange(3.0 * n * 2).reshape(3, n, 2)
    sigma = torch.arange(1.0, 4.0)[:, None]
    if levels == "each point":
        sigma = sigma + torch.arange(float(n)) / n
    whole = Batch(inputs, inputs + 0.5, sigma, spread=inputs[..., 0])
    found = whole.split(parts)
    assert len(found) == min(parts, n)
    assert {part.inputs.shape[1] for part in found} <= {n // len(found), n // len(found) + 1}
    for point in range(n):
        part, at = found[point % len(found)], point // len(found)
        assert torch.equal(part.inputs[:, at], inputs[:, point])
        assert torch.equal(part.targets[:, at], inputs[:, point] + 0.5)
        assert torch.equal(part.spread[:, at], inputs[:, point, 0])
        level = sigma if levels == "each member" else sigma[:, [point]]
        own = part.sigma if levels == "each member" else part.sigma[:, [at]]
        assert torch.equal(own, level)
        assert part.weights is None
    # values of the parts add up to those of the whole
    value = inputs.sum(-1)
    total = sum(part.mean(part.inputs.sum(-1)) * part.inputs.shape[1] for part in found)
    torch.testing.assert_close(total / n, whole.mean(value))
