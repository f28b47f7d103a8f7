import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import sympy
import torch

from autoscore.densities.base import Density
from autoscore.densities.closed_forms import Expressions
from autoscore.densities.curve_mixtures import curve_mixture
from autoscore.densities.curves import Curve
from autoscore.densities.energies import EnergyDensity
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.mixtures import GaussianMixture
from autoscore.numerics.streams import generator
from autoscore.samplers import chains as chains_module
from autoscore.samplers.chains import run
from autoscore.samplers.compiled import loops
from autoscore.samplers.compiled.points import point_function
from autoscore.samplers.langevin import AdjustedLangevin, Langevin, NoiseKeeping
from autoscore.samplers.random_walk import RandomWalk
from autoscore.samplers.targets import ExactField, ExactTarget, PathTarget
from tests.unit.oracles import ROOT

STAR = EnergyDensity(
    "(sqrt(x1**2 + x2**2) - 2)**2 + (x1**2 - x2**2)**2 + 0.5 * log(x1**2 + x2**2 + 1)",
    [[-4.5, 4.5], [-4.5, 4.5]],
)
PAIR = GaussianMixture(
    [0.35, 0.65], [[-1.0, 0.2], [1.0, 0.0]], [[[0.3, 0.1], [0.1, 0.2]], [[0.2, -0.1], [-0.1, 0.4]]]
)
DENSITIES = {
    "star": STAR,
    "functions": EnergyDensity(
        "x1**2 + x2**4 / 4 + sin(3 * x1) * cos(x2) + tanh(x1) + exp(-x2)", [[-4, 4], [-4, 4]]
    ),
    "roots": EnergyDensity("sqrt(x**2) + 2 * sqrt((x - 1)**2) + x**2 / 3 + 1.7e-3 * x", [[-5, 5]]),
    "mixture": PAIR,
    "curve mixture": curve_mixture(10),
    "kernels": KernelDensity(PAIR.sample(50, np.random.default_rng(1)), 0.3, np.arange(1.0, 51.0)),
    "thick curve": Curve(["0.04*t*sin(t)", "0.04*t*cos(t)"], [3, 15], 0.03),
}
HUGE = EnergyDensity(f"x**2 + {2**53 + 2} * x**4", [[-1, 1]])  # as a number
KERNELS = {
    "random walk": lambda target: RandomWalk(target, 1),  # a whole number
    "unadjusted": lambda target: Langevin(target, 0.02),
    "adjusted": lambda target: AdjustedLangevin(target, 0.02),
    "truncated": lambda target: AdjustedLangevin(target, 0.05, 0.5),
}
TARGETS = {
    "plain": ExactTarget,
    "tempered": partial(ExactTarget, temperature=2.5),
    "bounded": partial(ExactTarget, bounds=[[-2.0, 1.5], [-1.0, 2.5]]),
}
every_kernel = pytest.mark.parametrize("kernel", KERNELS)
START = PAIR.sample(20, np.random.default_rng(0))


def generators(n):
    return [generator(7, "compiled", chain) for chain in range(n)]


def tuning(kernel):
    return {"target_acceptance": 0.6} if kernel.adjusted else {}


def both(kernel, start, draws, **options):
    """The same run by the kernel's own steps, and compiled."""
    return [
        run(kernel, np.array(start, float), draws, generators(len(start)), compiled=way, **options)
        for way in (False, True)
    ]


# --- points -------------------------------------------------------------------


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_compiled_points_are_those_of_the_density(name, scale):
    density = DENSITIES[name]
    x = scale * density.sample(40, np.random.default_rng(2))  # three times: out of some bounds
    log_p, score = density.log_prob_and_score(x)
    found, slope = point_function(density.closed_form())(x)
    np.testing.assert_allclose(found, log_p, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(slope, score, rtol=1e-9, atol=1e-11 * np.abs(score).max())


def log_star(x):
    square = (x**2).sum(-1)
    waist = x[:, 0] ** 2 - x[:, 1] ** 2
    return -((square.sqrt() - 2) ** 2) - waist**2 - 0.5 * (square + 1).log()


def log_mixture(x):
    parts = [torch.distributions.MultivariateNormal(*part) for part in PARTS]
    return torch.logsumexp(WEIGHTS + torch.stack([part.log_prob(x) for part in parts], -1), -1)


WEIGHTS = torch.tensor(PAIR.weights).log()
PARTS = [*zip(torch.tensor(PAIR.means), torch.tensor(PAIR.covariances), strict=True)]


@pytest.mark.parametrize(("density", "log_p"), [(STAR, log_star), (PAIR, log_mixture)])
def test_compiled_scores_are_those_of_autograd(density, log_p):
    x = torch.tensor(density.sample(30, np.random.default_rng(3)), requires_grad=True)
    height = log_p(x)
    (slope,) = torch.autograd.grad(height.sum(), x)
    found, score = point_function(density.closed_form())(x.detach().numpy())
    np.testing.assert_allclose(score, slope, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(np.ptp(found - height.detach().numpy()), 0.0, atol=1e-12)


@pytest.mark.parametrize("x", [1e155, 1e200, np.inf, np.nan])
@pytest.mark.parametrize("name", ["mixture", "kernels", "star"])
def test_far_out_p_vanishes_or_is_undefined_as_in_the_density(name, x):
    points = np.array([[x, 0.0], [-x, x]])
    with np.errstate(all="ignore"):
        log_p, _ = DENSITIES[name].log_prob_and_score(points)
    found, _ = point_function(DENSITIES[name].closed_form())(points)
    np.testing.assert_array_equal(found, log_p)


def test_densities_without_a_closed_form_say_so():
    bare = Curve(["t", "t**2"], [0, 1]), KernelDensity(START)
    for density in (*bare, STAR.smoothed(0.5), HUGE):
        assert point_function(density.closed_form()) is None


# --- chains -------------------------------------------------------------------


@every_kernel
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("density", [STAR, PAIR], ids=["star", "mixture"])
def test_compiled_chains_are_those_of_the_kernel(kernel, target, density):
    kernel = KERNELS[kernel](TARGETS[target](density))
    options = {"burn_in": 15, "thin": 3} | tuning(kernel)
    plain, compiled = both(kernel, START, 10, **options)
    np.testing.assert_allclose(compiled.draws, plain.draws, atol=1e-9)
    np.testing.assert_array_equal(compiled.acceptance, plain.acceptance)
    assert compiled.evaluations == plain.evaluations
    assert compiled.kernel.step_size == pytest.approx(plain.kernel.step_size, rel=1e-12)
    for name, part in vars(plain.state).items():
        values = getattr(compiled.state, name)
        assert (values is None) == (part is None)
        if part is not None:
            np.testing.assert_allclose(values, part, atol=1e-7)


@every_kernel
def test_threads_and_more_chains_change_no_bit(kernel, monkeypatch):
    kernel = KERNELS[kernel](ExactTarget(STAR))
    options = {"burn_in": 25, "thin": 2, "compiled": True} | tuning(kernel)
    alone = run(kernel, START, 15, generators(20), **options)
    monkeypatch.setattr(loops, "NORMALS", 300)  # blocks of few chains
    for threads in (1, 2, 3):
        start = np.concatenate([START, START[:threads]])
        found = run(kernel, start, 15, generators(len(start)), threads=threads, **options)
        np.testing.assert_array_equal(found.draws[:20], alone.draws)
        np.testing.assert_array_equal(found.acceptance[:20], alone.acceptance)
        assert found.kernel == alone.kernel


class KilledError(Exception):
    """Stands for whatever ends a job."""


@every_kernel
@pytest.mark.parametrize("threads", [1, 2])
def test_a_killed_run_goes_on_from_its_checkpoint(kernel, threads, monkeypatch, tmp_path):
    monkeypatch.setattr(chains_module, "LONGEST", 10)
    monkeypatch.setattr(chains_module, "SAVED", 0.0)
    kernel = KERNELS[kernel](ExactTarget(PAIR))
    options = {"burn_in": 25, "thin": 2, "compiled": True} | tuning(kernel)

    def kill_at(step, done, steps):
        if done == step:
            raise KilledError

    whole = run(kernel, START, 15, generators(20), **options)
    file = {"checkpoint": tmp_path / "run.npz", "threads": threads}
    for step in (20, 40):  # while the step is tuned, and after
        with pytest.raises(KilledError):
            run(
                kernel,
                START,
                15,
                generators(20),
                progress=partial(kill_at, step),
                **options,
                **file,
            )
    resumed = run(kernel, START, 15, generators(20), **options, **file)
    np.testing.assert_array_equal(resumed.draws, whole.draws)
    np.testing.assert_array_equal(resumed.acceptance, whole.acceptance)
    np.testing.assert_array_equal(resumed.state.x, whole.state.x)
    assert resumed.kernel == whole.kernel
    assert resumed.evaluations == whole.evaluations


def test_a_run_goes_on_where_it_stopped():
    kernel = AdjustedLangevin(ExactTarget(PAIR), 0.1)
    whole = run(kernel, START, 30, generators(20), compiled=True)
    streams = generators(20)
    first = run(kernel, START, 12, streams, compiled=True)
    second = run(kernel, first.state, 18, streams, compiled=True)
    np.testing.assert_array_equal(np.hstack([first.draws, second.draws]), whole.draws)


# --- where p vanishes, or is nothing at all -----------------------------------


class HalfLine(Density):
    """log p is NaN below 0, -inf at 0 and +inf from 3 on."""

    dim, bounds = 1, np.array([[-50.0, 50.0]])

    def log_prob(self, x):
        return self.log_prob_and_score(x)[0]

    def score(self, x):
        return self.log_prob_and_score(x)[1]

    def log_prob_and_score(self, x):
        with np.errstate(all="ignore"):
            steep = np.exp(1e6 * (x - 3))
            return (np.log(x) - x**2 / 2 + steep)[:, 0], 1 / x - x + 1e6 * steep

    def closed_form(self):
        x = sympy.Symbol("x", real=True)
        height = sympy.log(x) - x**2 / 2 + sympy.exp(1_000_000 * (x - 3))
        return Expressions((height, sympy.diff(height, x)), self.bounds, 0.0)

    hessian = score_laplacian = sample = fitted_panels = smoothed = None


HALF = HalfLine()


@pytest.mark.parametrize("kernel", sorted(KERNELS.keys() - {"unadjusted"}))
def test_moves_to_where_log_p_is_no_number_are_rejected(kernel):
    kernel = replace(KERNELS[kernel](ExactTarget(HALF)), step_size=1.0)
    plain, compiled = both(kernel, [[1.0], [0.1], [2.9], [0.0], [-1.0], [3.5]], 200)
    np.testing.assert_allclose(compiled.draws, plain.draws, atol=1e-6)
    np.testing.assert_array_equal(compiled.acceptance, plain.acceptance)
    assert 0.1 < plain.acceptance[0] < 0.9
    np.testing.assert_array_equal(plain.acceptance[4], 0.0)


@every_kernel
def test_chains_that_start_where_p_vanishes_go_as_the_kernel_does(kernel):
    far = 1e200 if KERNELS[kernel](ExactTarget(PAIR)).adjusted else 9.0
    for target, start in (
        (ExactTarget(STAR), [[4.6, 0.0], [-6.0, 0.3]]),
        (ExactTarget(PAIR, bounds=[[0.0, 1.0], [-9.0, 9.0]]), [[-0.3, 0.0], [7.0, far]]),
    ):
        slow = replace(KERNELS[kernel](target), step_size=1e-3)
        plain, compiled = both(slow, start, 30)
        np.testing.assert_allclose(compiled.draws, plain.draws, rtol=1e-12, atol=1e-9)
        np.testing.assert_array_equal(compiled.acceptance, plain.acceptance)


@pytest.mark.parametrize("make", [RandomWalk, AdjustedLangevin])
def test_proposals_that_are_not_finite_are_rejected(make):
    plain, compiled = both(make(ExactTarget(PAIR), 1e308), START, 20)
    np.testing.assert_array_equal(compiled.draws, plain.draws)
    np.testing.assert_array_equal(compiled.draws, np.repeat(START[:, None], 20, axis=1))


def test_a_chain_that_diverges_is_reported_as_by_the_kernel():
    kernel = Langevin(ExactTarget(STAR), 0.02)
    start = np.array([[2.0, 0.1], [0.1, 2.0], [0.1, 0.2], [30.0, -80.0], [-30.0, 9.0]])
    messages = []
    for compiled in (False, True):
        with pytest.raises(FloatingPointError) as raised:
            run(kernel, start, 50, generators(5), compiled=compiled, threads=1 + compiled)
        messages.append(str(raised.value))
    assert messages[0] == messages[1]
    assert messages[0].startswith("unadjusted Langevin on an exact density: chain 3 came to")


# --- what has no compiled form ------------------------------------------------


@pytest.mark.parametrize(
    ("kernel", "dim"),
    [
        (NoiseKeeping(ExactField(PAIR, 0.3), 0.3), 2),
        (RandomWalk(PathTarget(PAIR, 3), 0.3), 2),
        (RandomWalk(ExactTarget(HUGE), 0.3), 1),
        (Langevin(ExactTarget(STAR.smoothed(0.5)), 0.1), 2),
    ],
    ids=["kernel", "path", "huge number", "quadrature"],
)
def test_what_cannot_be_compiled_is_refused_with_the_remedy(kernel, dim):
    remedy = f"{kernel.name} cannot be compiled here, so leave out compiled=True"
    with pytest.raises(ValueError, match=remedy):
        run(kernel, np.zeros((3, dim)), 1, generators(3), compiled=True)


def test_compiled_chains_need_a_generator_each():
    with pytest.raises(ValueError, match="one generator each: there are 4 for 20"):
        run(RandomWalk(ExactTarget(PAIR), 0.3), START, 1, generators(4), compiled=True)


LAZY = """
import sys
sys.path.insert(0, "workflow")
import numpy as np
import autoscore.densities.registry, autoscore.samplers.registry, autoscore.sample.runs
from autoscore.samplers.chains import run
from autoscore.samplers.random_walk import RandomWalk
from autoscore.samplers.targets import ExactTarget
class Flat:
    def log_prob(self, x):
        return np.zeros(len(x))
run(RandomWalk(ExactTarget(Flat()), 1.0), np.zeros((1, 1)), 1, [np.random.default_rng(0)])
print("numba" in sys.modules)
import autoscore.samplers.compiled.loops
print("numba" in sys.modules)
"""


def test_only_compiled_chains_load_the_compiler():
    command = [sys.executable, "-c", LAZY]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert told == "False\nTrue\n"
