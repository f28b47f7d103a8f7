from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov
from scipy.stats import kstest, norm

from autoscore.densities.mixtures import GaussianMixture
from autoscore.fields import Field
from autoscore.numerics.errors import fitted_order
from autoscore.numerics.streams import generator
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.samplers import chains as chains_module
from autoscore.samplers.anneal import annealed_langevin, flow, spaced_levels
from autoscore.samplers.chains import StepTuning, run
from autoscore.samplers.langevin import AdjustedLangevin, Langevin, NoiseKeeping, ShapedLangevin
from autoscore.samplers.random_walk import RandomWalk
from autoscore.samplers.targets import (
    EvenTarget,
    ExactField,
    ExactTarget,
    OnePointTarget,
    PathTarget,
)
from autoscore.samplers.walk import AdjustedWalk, Blend, Walk, Walkback
from tests.unit.oracles import FALSE_ALARM, difference

GAUSSIAN = GaussianMixture([1], [[0.5, -0.3]], [[[1.0, 0.6], [0.6, 0.8]]])
PAIR = GaussianMixture(
    [0.35, 0.65], [[-1.0, 0.2], [1.0, 0.0]], [[[0.3, 0.1], [0.1, 0.2]], [[0.2, -0.1], [-0.1, 0.4]]]
)
DENSITIES = {"gaussian": GAUSSIAN, "pair": PAIR}
OPTIMA = {name: DenoisingOptimum(density, 0.5) for name, density in DENSITIES.items()}

ADJUSTED = {
    "random walk": lambda target, field: RandomWalk(target, 0.9),
    "langevin": lambda target, field: AdjustedLangevin(target, 0.25),
    "truncated": lambda target, field: AdjustedLangevin(target, 0.25, 0.5),
    "shaped": lambda target, field: ShapedLangevin(target, field, 0.35, floor=0.5),
    "walk": lambda target, field: AdjustedWalk(target, field, 0.5),
    "trusting walk": lambda target, field: AdjustedWalk(target, field, 0.45, folds=False),
    "reconstruction": lambda target, field: AdjustedWalk(target, field, 0.8, folds=False),  # b = 1
}
TARGETS = {
    "exact": ExactTarget,
    "tempered": lambda density: ExactTarget(density, temperature=2.5),
    "path": lambda density: PathTarget(density, 30),
}
every_adjusted = pytest.mark.parametrize("name", ADJUSTED)
every_density = pytest.mark.parametrize("density", DENSITIES)


def generators(n, *names):
    return [generator(7, "test", *names, chain) for chain in range(n)]


class Line(Field):
    """A field of given functions on the line."""

    dim = 1

    def __init__(self, r, slope=None, sigma=1.0):
        self.r, self.slope, self.sigma = r, slope, sigma

    def __call__(self, x):
        return self.r(x)

    def jacobian(self, x):
        return self.slope(x)[:, :, None]


def point(sigma):
    """The optimum for one clean point at the origin: r = 0."""
    return Line(np.zeros_like, np.zeros_like, sigma)


# --- targets ------------------------------------------------------------------


@every_density
@pytest.mark.parametrize("nodes", [1, 3, 30])
def test_path_differences_are_those_of_the_field(density, nodes):
    field, (x, y) = OPTIMA[density], np.random.default_rng(0).normal(size=(2, 40, 2))
    target = PathTarget(field, nodes, temperature=2.0)
    at_x = target.evaluate(x, score=True)
    found, _ = target.compare(x, at_x, y, score=False)
    np.testing.assert_allclose(found, field.log_ratio(x, y, nodes) / 2, rtol=1e-12, atol=1e-13)
    back, _ = target.compare(y, at_x, x, score=False)
    np.testing.assert_allclose(back, -found, rtol=1e-10, atol=1e-12)
    found, at_y = target.compare(x, at_x, y, score=True)
    np.testing.assert_allclose(at_y.score, field.score(y) / 2, rtol=1e-13)
    back, _ = target.compare(y, at_y, x, score=True)
    np.testing.assert_allclose(back, -found, rtol=1e-10, atol=1e-12)
    assert at_y.evaluations == nodes * len(x)


@pytest.mark.parametrize("score", [False, True], ids=["Gauss", "Lobatto"])
@pytest.mark.parametrize("nodes", [1, 2, 3, 6])
def test_path_differences_are_exact_for_polynomials(nodes, score):
    degree = 2 * nodes  # of log p
    line = Line(lambda x: x + degree * x ** (degree - 1))
    x, y = np.random.default_rng(5).normal(size=(2, 50, 1))
    target = PathTarget(line, nodes)
    found = target.compare(x, target.evaluate(x, score=True), y, score=score)[0]
    np.testing.assert_allclose(found, (y**degree - x**degree)[:, 0], rtol=1e-9, atol=1e-11)


def test_every_kind_of_difference_approaches_the_exact_one_at_its_order():
    direction = np.random.default_rng(1).normal(size=(200, 2))
    x, steps = PAIR.sample(200, np.random.default_rng(2)), np.array([0.01, 0.02, 0.04])

    def order(target, *, ends=False):
        errors = []
        for step in steps:
            y = x + step * direction
            found, _ = target.compare(x, target.evaluate(x, score=ends), y, score=ends)
            errors.append(np.mean((found - PAIR.log_prob(y) + PAIR.log_prob(x)) ** 2))
        return fitted_order(steps, np.array(errors))

    # k nodes integrate polynomials of degree 2k - 1: the error is of order 2k + 1 in the length
    assert order(OnePointTarget(PAIR)) == pytest.approx(2, abs=0.05)
    assert order(PathTarget(PAIR, 1)) == pytest.approx(3, abs=0.05)
    assert order(PathTarget(PAIR, 2)) == pytest.approx(5, abs=0.2)
    assert order(PathTarget(PAIR, 1), ends=True) == pytest.approx(3, abs=0.05)
    assert order(PathTarget(PAIR, 2), ends=True) == pytest.approx(5, abs=0.2)
    assert order(EvenTarget(PAIR, 20)) == pytest.approx(3, abs=0.05)


def test_even_points_are_the_mean_of_the_score_along_the_segment():
    x, y = np.random.default_rng(4).normal(size=(2, 30, 2))

    def found(points):
        target = EvenTarget(PAIR, points)
        return target.compare(x, target.evaluate(x, score=False), y, score=False)[0]

    scores = [PAIR.score(x + t * (y - x)) for t in np.linspace(0, 1, 20)]
    np.testing.assert_allclose(found(20), np.mean(((y - x) * scores).sum(-1), axis=0), rtol=1e-12)
    # the trapezoidal rule counts each end half: what equal weights add to it falls with 1 / points
    exact = PAIR.log_prob(y) - PAIR.log_prob(x)
    errors = [np.abs(found(points) - exact).mean() for points in (50, 100, 200, 400)]
    assert fitted_order(np.array([50, 100, 200, 400]), np.array(errors) ** 2) == pytest.approx(
        -1, abs=0.05
    )


def test_the_exact_field_has_the_score_of_the_density_itself():
    field, x = ExactField(PAIR, 0.3), np.random.default_rng(3).normal(size=(9, 2))
    np.testing.assert_allclose((field(x) - x) / 0.09, difference(PAIR.log_prob, x), atol=1e-8)
    np.testing.assert_allclose(field.score(x), PAIR.score(x), rtol=1e-14)
    np.testing.assert_allclose(field.jacobian(x), difference(field, x), atol=1e-8)
    np.testing.assert_allclose(field.hessian(x), difference(PAIR.score, x), atol=1e-7)


# --- detailed balance, point by point -----------------------------------------


def log_transition(kernel, x, y):
    """log q(x -> y) a(x -> y), q from the kernel's own proposals by numerical differentiation.

    A proposal is a function of the noise; the noise that leads to y is found by Newton's method,
    and q is the noise's density over the function's determinant.
    """
    state = kernel.init(x)

    def step(noise):
        return kernel.step(state, np.column_stack([noise, np.zeros(len(x))]))[1]

    def propose(noise):
        return step(noise).proposal

    noise = np.zeros_like(x)
    while np.abs(miss := propose(noise) - y).max() > 1e-10:
        change = np.linalg.solve(difference(propose, noise), miss[:, :, None])[:, :, 0]
        noise -= change / np.maximum(1.0, np.linalg.norm(change, axis=1, keepdims=True))
    log_q = norm.logpdf(noise).sum(1) - np.linalg.slogdet(difference(propose, noise))[1]
    return log_q, np.minimum(0.0, step(noise).log_acceptance)


def imbalance(kernel, density, temperature=1.0):
    rng = np.random.default_rng(4)
    x = GAUSSIAN.sample(40, rng)
    y = x + 0.5 * rng.normal(size=x.shape)
    log_q, log_a = log_transition(kernel, x, y)
    log_q_back, log_a_back = log_transition(kernel, y, x)
    assert np.isfinite(log_a).all()
    there = density.log_prob(x) / temperature + log_q + log_a
    back = density.log_prob(y) / temperature + log_q_back + log_a_back
    return np.abs(there - back)


@every_adjusted
@every_density
@pytest.mark.parametrize("target", TARGETS)
def test_detailed_balance_holds_point_by_point(name, density, target):
    kernel = ADJUSTED[name](TARGETS[target](DENSITIES[density]), OPTIMA[density])
    temperature = 2.5 if target == "tempered" else 1.0
    assert imbalance(kernel, DENSITIES[density], temperature).max() < 1e-5


@pytest.mark.parametrize(
    "kernel",
    [
        AdjustedWalk(ExactTarget(PAIR), OPTIMA["pair"], 0.5, determinant=False),
        RandomWalk(OnePointTarget(PAIR), 0.9),
    ],
)
def test_kernels_without_detailed_balance_are_detected(kernel):
    assert np.median(imbalance(kernel, PAIR)) > 0.02


def test_a_fold_is_left_alone():
    target = ExactTarget(GaussianMixture([1], [[0.0]], [[[1.0]]]))
    # several points have the same r
    folded = Line(lambda x: x + 2 * np.sin(2 * x), lambda x: 1 + 4 * np.cos(2 * x))
    kernel = AdjustedWalk(target, folded, 1.5)  # b = 1
    y = np.linspace(-2, 2, 401)[:, None]
    x = kernel.map(y)
    again, found, _, _ = kernel.map.inverse(x, 1.5e-3)
    chosen = found & (np.abs(again - y)[:, 0] <= 1.5e-3)
    assert 0.1 < chosen.mean() < 0.9
    start = kernel.at_image(np.zeros((401, 1)))
    info = kernel.step(start, np.hstack([y / 1.5, np.full((401, 1), -8.0)]))[1]
    np.testing.assert_array_equal(np.isfinite(info.log_acceptance), chosen)
    trusting = replace(kernel, folds=False)
    assert np.isfinite(trusting.step(start, np.hstack([y / 1.5, y]))[1].log_acceptance).all()


def test_the_blend_is_inverted_where_it_can_be():
    blend, y = Blend(OPTIMA["pair"], 0.7), np.random.default_rng(5).normal(size=(30, 2))
    x = blend(y)
    x[3] = np.nan
    again, found, evaluations, jacobians = blend.inverse(x, 1e-6)
    np.testing.assert_array_equal(found, np.arange(30) != 3)
    np.testing.assert_allclose(again[found], y[found], atol=1e-9)
    assert 2 * 29 < jacobians <= evaluations < 8 * 29
    np.testing.assert_allclose(blend.jacobian(y), difference(blend, y), atol=1e-8)


def test_starts_that_nothing_is_reconstructed_to_are_refused():
    bounded = Line(np.tanh, lambda x: 1 - np.tanh(x) ** 2, 0.3)
    kernel = AdjustedWalk(PathTarget(bounded, 3), bounded, 0.5)  # b = 1
    assert len(kernel.init(np.array([[0.5]])).x) == 1
    with pytest.raises(ValueError, match=r"at sigma 0.3: .* 1 of 2 starts"):
        kernel.init(np.array([[0.5], [1.5]]))


# --- what the chains sample ---------------------------------------------------

DIRECTIONS = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, -0.8]])


def p_value(x, density, direction):
    """Of a Kolmogorov-Smirnov test of draws from a mixture along a direction."""
    means = density.means @ direction
    spreads = np.sqrt(np.einsum("i,kij,j->k", direction, density.covariances, direction))
    cdf = lambda t: norm.cdf(t[:, None], means, spreads) @ density.weights  # noqa: E731
    return kstest(x @ direction, cdf).pvalue


def smallest_p_value(kernel, density, steps, chains=2000):
    """Of three Kolmogorov-Smirnov tests on the last positions of chains from a wide start.

    Chains are independent, so that FALSE_ALARM is the chance of each test to fail under another
    seed: 3e-6 for the three.
    """
    start = 0.5 * density.sample(chains, np.random.default_rng(6)) + 0.5
    state, normals = kernel.init(start), np.random.default_rng(7)
    for _ in range(steps):
        state, _ = kernel.step(state, normals.standard_normal((chains, kernel.normals(2))))
    return min(p_value(state.x, density, direction) for direction in DIRECTIONS)


@every_adjusted
@every_density
def test_adjusted_chains_sample_the_density(name, density):
    kernel = ADJUSTED[name](ExactTarget(DENSITIES[density]), OPTIMA[density])
    assert smallest_p_value(kernel, DENSITIES[density], 60) > FALSE_ALARM


@pytest.mark.parametrize(
    "kernel",
    [
        Langevin(ExactTarget(PAIR), 0.25),
        Walk(OPTIMA["pair"], 0.5, 1.0),
        AdjustedWalk(ExactTarget(PAIR), OPTIMA["pair"], 0.8, determinant=False, folds=False),
        RandomWalk(OnePointTarget(PAIR), 0.9),
    ],
)
def test_biased_chains_are_detected(kernel):
    assert smallest_p_value(kernel, PAIR, 60) < FALSE_ALARM


def linear_parts(kernel, dim, at=0.0):
    """Matrices A, B of x' = A x + B xi, for a kernel that is linear."""
    origin = np.full((1, dim), at)
    normals = np.zeros((1, kernel.normals(dim)))

    def image(x, normals):
        return kernel.step(kernel.init(x), normals)[0].x[0]

    rest = image(origin, normals)
    A = [image(origin + axis, normals) - rest for axis in np.eye(dim)]
    B = [image(origin, axis[None]) - rest for axis in np.eye(kernel.normals(dim))]
    return np.array(A).T, np.array(B).T


def stationary_covariance(kernel, dim):
    A, B = linear_parts(kernel, dim)
    return solve_discrete_lyapunov(A, B @ B.T)


@pytest.mark.parametrize("variance", [1.0, 0.3])
@pytest.mark.parametrize("e", [0.01, 0.2])
def test_unadjusted_langevin_is_too_wide_by_the_known_amount(variance, e):
    gaussian = GaussianMixture([1], [[0.0]], [[[variance]]])
    found = stationary_covariance(Langevin(ExactTarget(gaussian), e), 1)
    assert found[0, 0] == pytest.approx(variance / (1 - e / (2 * variance)), rel=1e-10)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_temperature_scales_the_covariance(temperature):
    kernel = Langevin(ExactTarget(GAUSSIAN, temperature), 1e-6)
    expected = temperature * GAUSSIAN.covariances[0]
    np.testing.assert_allclose(stationary_covariance(kernel, 2), expected, rtol=1e-4)


def test_the_bias_of_unadjusted_langevin_is_of_first_order():
    density = GaussianMixture([0.4, 0.6], [[-0.8], [0.7]], [[[0.2]], [[0.3]]])
    x = np.linspace(-4.5, 4.5, 451)[:, None]
    p = np.exp(density.log_prob(x))
    steps, errors = np.array([0.005, 0.01, 0.02]), []
    for e in steps:
        kernel = Langevin(ExactTarget(density), e)
        mean = kernel.step(kernel.init(x), np.zeros((451, 1)))[0].x
        spread = kernel.step(kernel.init(x), np.ones((451, 1)))[0].x - mean
        transition = np.exp(-0.5 * ((x.T - mean) / spread) ** 2) / spread
        transition /= transition.sum(1, keepdims=True)
        law = np.linalg.matrix_power(transition, 2**14)[225]
        errors.append((law @ x[:, 0] ** 2 - p @ x[:, 0] ** 2 / p.sum()) ** 2)
    assert fitted_order(steps, np.array(errors)) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("b", [0.1, 0.5, 1.0])
def test_the_unadjusted_walk_samples_a_power_of_p(b):
    variance, sigma = 0.7, 1e-3
    gaussian = GaussianMixture([1], [[0.0]], [[[variance]]])
    found = stationary_covariance(Walk(DenoisingOptimum(gaussian, sigma), sigma, b), 1)
    assert found[0, 0] == pytest.approx(variance / (2 * b), rel=1e-4)


def test_the_chain_of_the_auto_encoder_has_its_closed_form():
    # x' = k (x + sigma xi) with k = v / (v + sigma^2): variance (k sigma)^2 / (1 - k^2)
    gaussian = GaussianMixture([1], [[0.0]], [[[0.7]]])
    k = 0.7 / (0.7 + 0.25)
    found = stationary_covariance(Walk(DenoisingOptimum(gaussian, 0.5), 0.5, 1.0), 1)
    assert found[0, 0] == pytest.approx(k**2 * 0.25 / (1 - k**2), rel=1e-12)


@pytest.mark.parametrize("a", [0.1, 0.9, 1.0])
def test_the_noise_keeping_move_keeps_noise(a):
    found = stationary_covariance(NoiseKeeping(point(0.3), a), 1)
    assert found[0, 0] == pytest.approx(0.09, rel=1e-12)
    if a < 1:
        langevin = Langevin(PathTarget(point(0.3), 1), a * 0.09)
        inflated = stationary_covariance(langevin, 1)[0, 0]
        assert inflated == pytest.approx(0.09 / (1 - a / 2), rel=1e-12)


@pytest.mark.parametrize("a", [0.0, 1.1])
def test_noise_is_replaced_in_part_or_in_whole(a):
    with pytest.raises(ValueError, match=f"not {a}"):
        NoiseKeeping(point(0.3), a)


def test_walkback_walks_end_as_often_as_they_should():
    # r(y) = y + 1 without noise counts the steps since the last training point
    kernel = Walkback(Line(lambda x: x + 1), np.array([[0.0], [100.0]]), 0.0)
    drawn = run(kernel, np.zeros((400, 1)), 50, generators(400), burn_in=100).draws[:, ::10]
    origin, length = np.divmod(drawn.ravel(), 100.0)
    # geometric lengths, origins in equal parts: 2000 values, 5 standard errors (6e-7 each)
    for k in (1, 2, 3):
        share = 0.5**k
        error = np.sqrt(share * (1 - share) / 2000)
        assert np.mean(length == k) == pytest.approx(share, abs=5 * error)
    assert origin.mean() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(2000))


def test_walkback_proposals_are_the_corrupted_points():
    kernel = Walkback(point(0.1), np.array([[5.0]]), 0.2)
    state = kernel.init(np.ones((1, 1)))
    state, info = kernel.step(state, np.array([[1.5, 0.0, 0.0]]))
    assert info.proposal[0, 0] == pytest.approx(1.3)
    assert (state.x[0, 0], state.origin[0, 0]) == (0.0, 5.0)


# --- down the noise grid ------------------------------------------------------


def test_the_flow_transports_a_gaussian_at_third_order():
    high, low, counts = 20.0, 0.01, np.array([20, 40, 80])
    covariance = GAUSSIAN.covariances[0]
    mean = GAUSSIAN.means[0]
    root, basis = np.linalg.eigh(covariance)
    shrunk = basis * np.sqrt((root + low**2) / (root + high**2)) @ basis.T
    x = mean + high * np.vstack([np.eye(2), -np.eye(2)])
    errors = []
    for count in counts:
        reached = flow(
            lambda sigma: DenoisingOptimum(GAUSSIAN, sigma), x, spaced_levels(high, low, count)
        )
        errors.append(((reached - mean - (x - mean) @ shrunk) ** 2).sum())
    assert fitted_order(1 / counts, np.array(errors)) == pytest.approx(3.0, abs=0.15)
    # the last matrix takes the noisy covariance to that of the data
    M = (reached[:2] - mean).T / high
    transported = M @ (covariance + high**2 * np.eye(2)) @ M.T
    np.testing.assert_allclose(transported, covariance + low**2 * np.eye(2), rtol=0.01)


def test_the_flow_ends_with_a_reconstruction_and_calls_each_level_once():
    calls = []

    def field_at(sigma):
        calls.append(sigma)
        return DenoisingOptimum(PAIR, sigma)

    x = 3 * np.random.default_rng(8).normal(size=(5, 2))
    levels = np.append(spaced_levels(3.0, 0.05, 12), 0.0)
    clean = flow(field_at, x, levels)
    np.testing.assert_allclose(calls, levels[:-1])
    before = flow(field_at, x, levels[:-1])
    np.testing.assert_allclose(clean, DenoisingOptimum(PAIR, 0.05)(before), rtol=1e-12)
    with pytest.raises(ValueError, match="must fall"):
        flow(field_at, x, [1.0, 2.0])


def test_levels_are_spaced_by_a_power():
    levels = spaced_levels(80.0, 0.002, 5)
    assert levels[[0, -1]] == pytest.approx([80.0, 0.002])
    np.testing.assert_allclose(np.diff(levels ** (1 / 7), n=2), 0, atol=1e-12)


def test_annealing_follows_the_noise_down():
    sigmas, steps, a, n = [1.0, 0.5, 0.2], 6, 0.3, 4000
    x = np.random.default_rng(10).normal(size=(n, 1))
    found = annealed_langevin(point, x, sigmas, steps, generators(n, "anneal"))
    variance = 1.0
    for sigma in sigmas:  # a step keeps (1 - a)^2 of what differs from sigma^2
        variance = sigma**2 + (variance - sigma**2) * (1 - a) ** (2 * steps)
    assert kstest(found[:, 0] / np.sqrt(variance), norm.cdf).pvalue > FALSE_ALARM


def test_annealed_chains_that_burst_name_sampler_sigma_and_step():
    message = r"Langevin on sigma 0.5: chain 0 .* step \d"
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=message):
        annealed_langevin(
            lambda sigma: Line(lambda x: 10 * x, sigma=sigma),
            np.ones((2, 1)),
            [0.5],
            2000,
            generators(2),
        )


# --- runs ---------------------------------------------------------------------

KERNELS = {
    **{name: make(PathTarget(PAIR, 3), OPTIMA["pair"]) for name, make in ADJUSTED.items()},
    "unadjusted langevin": Langevin(PathTarget(OPTIMA["pair"], 1), 0.1),
    "noise keeping": NoiseKeeping(OPTIMA["pair"], 0.3),
    "unadjusted walk": Walk(OPTIMA["pair"], 0.5, 1.0),
    "walkback": Walkback(OPTIMA["pair"], PAIR.means, 0.5),
}
every_kernel = pytest.mark.parametrize("name", KERNELS)
START = PAIR.sample(20, np.random.default_rng(11))


@every_kernel
def test_adding_chains_changes_no_other_chain(name, monkeypatch):
    monkeypatch.setattr(chains_module, "PILOTS", 3)
    tune = {"target_acceptance": 0.6} if KERNELS[name].adjusted else {}
    few, many = (
        run(KERNELS[name], START[:n], 15, generators(n), burn_in=20, thin=2, **tune)
        for n in (4, 20)
    )
    np.testing.assert_array_equal(few.draws, many.draws[:4])
    assert few.kernel.step_size == many.kernel.step_size


@every_kernel
@pytest.mark.parametrize("groups", [20, 4])
def test_chains_differ_and_are_drawn_in_groups_and_chunks_of_any_length(name, groups, monkeypatch):
    whole = run(KERNELS[name], START, 30, generators(groups)).draws
    assert np.unique(whole[:, -1], axis=0).shape == (20, 2)
    monkeypatch.setattr(chains_module, "LONGEST", 7)
    np.testing.assert_array_equal(run(KERNELS[name], START, 30, generators(groups)).draws, whole)
    few = run(KERNELS[name], START[:10], 30, generators(groups // 2)).draws
    np.testing.assert_array_equal(few, whole[:10])


@every_kernel
def test_a_run_goes_on_where_it_stopped(name):
    whole = run(KERNELS[name], START, 30, generators(20))
    streams = generators(20)
    first = run(KERNELS[name], START, 12, streams)
    second = run(first.kernel, first.state, 18, streams)
    np.testing.assert_array_equal(np.hstack([first.draws, second.draws]), whole.draws)
    np.testing.assert_allclose(0.4 * first.acceptance + 0.6 * second.acceptance, whole.acceptance)


class KilledError(Exception):
    """Stands for whatever ends a job."""


@every_kernel
def test_a_killed_run_goes_on_from_its_checkpoint(name, monkeypatch, tmp_path):
    monkeypatch.setattr(chains_module, "LONGEST", 10)
    monkeypatch.setattr(chains_module, "SAVED", 0.0)
    tune = {"target_acceptance": 0.6} if KERNELS[name].adjusted else {}
    options = tune | {"burn_in": 25, "thin": 2}

    def kill_at(step, done, steps):
        if done == step:
            raise KilledError

    whole = run(KERNELS[name], START, 15, generators(20), **options)
    file = tmp_path / "run.npz"
    for step in (20, 40):  # while the step is tuned, and after
        kill = {"progress": partial(kill_at, step), "checkpoint": file}
        with pytest.raises(KilledError):
            run(KERNELS[name], START, 15, generators(20), **options, **kill)
    resumed = run(KERNELS[name], START, 15, generators(20), **options, checkpoint=file)
    np.testing.assert_array_equal(resumed.draws, whole.draws)
    assert resumed.kernel.step_size == whole.kernel.step_size
    assert (resumed.evaluations, resumed.jacobians) == (whole.evaluations, whole.jacobians)
    np.testing.assert_array_equal(resumed.acceptance, whole.acceptance)
    finished = run(KERNELS[name], START, 15, generators(20), **options, checkpoint=file)
    np.testing.assert_array_equal(finished.draws, whole.draws)
    with pytest.raises(ValueError, match=r"run\.npz has draws of shape \(20, 15, 2\), not"):
        run(KERNELS[name], START, 14, generators(20), **options, checkpoint=file)


def test_thinning_and_burn_in_leave_out_what_they_say():
    every = run(KERNELS["langevin"], START, 31, generators(20))
    some = run(KERNELS["langevin"], START, 7, generators(20), burn_in=3, thin=4)
    np.testing.assert_array_equal(some.draws, every.draws[:, 6::4])
    moved = np.diff(every.draws, axis=1).any(-1)
    assert moved.mean() == pytest.approx(every.acceptance.mean(), abs=0.03)
    after = np.hstack([(every.draws[:, :1] != START[:, None]).any(-1), moved])
    np.testing.assert_allclose(after.mean(1), every.acceptance)
    np.testing.assert_allclose(after[:, 3:].mean(1), some.acceptance)


class Counted(Field):
    def __init__(self, field):
        self.field, self.sigma, self.dim = field, field.sigma, field.dim
        self.values = self.slopes = 0

    def __call__(self, x):
        self.values += len(x)
        return self.field(x)

    def jacobian(self, x):
        self.slopes += len(x)
        return self.field.jacobian(x)


@every_adjusted
@pytest.mark.parametrize("target", [OnePointTarget, partial(PathTarget, nodes=3)])
def test_evaluations_are_counted(name, target):
    field = Counted(OPTIMA["pair"])
    kernel = ADJUSTED[name](target(field), field)
    state = kernel.init(START)
    field.values = field.slopes = 0
    found = run(kernel, state, 5, generators(20), burn_in=2)
    assert (found.evaluations, found.jacobians) == (field.values, field.slopes)


@pytest.mark.parametrize("name", ["random walk", "langevin", "shaped", "trusting walk"])
def test_tuned_steps_reach_their_target_and_are_frozen(name, monkeypatch):
    monkeypatch.setattr(chains_module, "PILOTS", 30)
    kernel = replace(ADJUSTED[name](ExactTarget(PAIR), OPTIMA["pair"]), step_size=1e-3)
    streams, x = generators(50), PAIR.sample(50, np.random.default_rng(12))
    tuned = run(kernel, x, 0, streams, burn_in=200, target_acceptance=0.7)
    frozen = run(tuned.kernel, tuned.state, 100, streams)
    assert frozen.acceptance.mean() == pytest.approx(0.7, abs=0.05)
    assert frozen.kernel.step_size == tuned.kernel.step_size != 1e-3
    both = run(kernel, x, 100, generators(50), burn_in=200, target_acceptance=0.7)
    np.testing.assert_array_equal(both.draws, frozen.draws)


def test_dual_averaging_finds_the_root():
    tuning, step = StepTuning(0.6, 0.01), 0.01
    for _ in range(2000):
        step = tuning.after(np.exp(-step / 3))
    average = tuning.after(np.exp(-step / 3), last=True)
    assert average == pytest.approx(-3 * np.log(0.6), rel=0.02)


class Holed(GaussianMixture):
    """Where x_1 > 1 it answers NaN, and where x_2 > 1 infinity."""

    def _spoil(self, values, x):
        values[x[:, 0] > 1] = np.nan
        values[x[:, 1] > 1] = np.inf
        return values

    def log_prob(self, x):
        return self._spoil(super().log_prob(x), x)

    def score(self, x):
        return self.log_prob_and_score(x)[1]

    def log_prob_and_score(self, x):
        return tuple(self._spoil(part, x) for part in super().log_prob_and_score(x))

    def hessian(self, x):
        return self._spoil(super().hessian(x), x)


HOLED = Holed(GAUSSIAN.weights, GAUSSIAN.means, GAUSSIAN.covariances)


BOX = np.array([[-3.0, 1.0], [-3.0, 1.0]])


@every_adjusted
@pytest.mark.parametrize(
    ("target", "density"),
    [
        (ExactTarget(HOLED), HOLED),
        (OnePointTarget(HOLED), HOLED),
        (PathTarget(HOLED, 2), HOLED),
        (ExactTarget(GAUSSIAN, bounds=BOX), GAUSSIAN),
    ],
    ids=["exact", "one-point", "path", "bounds"],
)
def test_proposals_out_of_the_support_are_rejected(name, target, density):
    kernel = ADJUSTED[name](target, ExactField(density, 0.3))
    found = run(kernel, np.zeros((50, 2)), 40, generators(50))
    assert np.isfinite(found.draws).all()
    assert 0.1 < found.acceptance.mean() < 0.99
    if isinstance(target, ExactTarget):  # others see no further than their nodes
        assert (found.draws <= 1).all()


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (Langevin(ExactTarget(HOLED), 0.5), r"unadjusted Langevin on an exact density: chain \d+"),
        (Walk(ExactField(HOLED, 0.3), 0.9, 1.0), r"unadjusted walk on sigma 0.3: .* in step \d+"),
    ],
)
def test_unadjusted_chains_without_a_finite_score_are_stopped(kernel, message):
    with pytest.raises(FloatingPointError, match=message):
        run(kernel, np.zeros((20, 2)), 500, generators(20))


def test_impossible_runs_are_refused():
    kernel = KERNELS["langevin"]
    with pytest.raises(ValueError, match="3 generators cannot share 20 chains"):
        run(kernel, START, 5, generators(3))
    with pytest.raises(ValueError, match="starts must be finite"):
        run(kernel, np.full((1, 2), np.nan), 5, generators(1))
    for name, burn_in in (("langevin", 0), ("noise keeping", 5)):
        with pytest.raises(ValueError, match=f"cannot be tuned in a burn-in of {burn_in} steps"):
            run(KERNELS[name], START, 5, generators(20), burn_in=burn_in, target_acceptance=0.6)


def test_progress_is_reported(monkeypatch):
    monkeypatch.setattr(chains_module, "LONGEST", 10)
    seen, options = [], {"burn_in": 1, "thin": 2}
    options["progress"] = lambda *at: seen.append(at)
    run(KERNELS["langevin"], START, 12, generators(20), **options)
    assert seen == [(10, 25), (20, 25), (25, 25)]
