import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch
from scipy import stats
from scipy.special import ndtri

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
from autoscore.samplers.compiled import cache, elementary
from autoscore.samplers.compiled.formulas import evaluate_all, make_formula
from autoscore.samplers.langevin import AdjustedLangevin, Langevin, NoiseKeeping
from autoscore.samplers.random_walk import RandomWalk
from autoscore.samplers.streams import Streams
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
    "huge number": EnergyDensity(f"x**2 + {2**53 + 2} * x**4 + (x**2) ** 0.7", [[-1, 1]]),
    "roots": EnergyDensity("sqrt(x**2) + 2 * sqrt((x - 1)**2) + x**2 / 3 + 1.7e-3 * x", [[-5, 5]]),
    "mixture": PAIR,
    "curve mixture": curve_mixture(10),
    "kernels": KernelDensity(PAIR.sample(50, np.random.default_rng(1)), 0.3, np.arange(1.0, 51.0)),
    "thick curve": Curve(["0.04*t*sin(t)", "0.04*t*cos(t)"], [3, 15], 0.03),
}
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


def streams(n):
    return Streams.of(generators(n))


def both(kernel, start, draws, **options):
    """The same run by the kernel's own steps, and compiled, from the same normals."""
    return [
        run(kernel, np.array(start, float), draws, streams(len(start)), compiled=way, **options)
        for way in (False, True)
    ]


def compiled_points(density, x):
    """Log p and scores at x, ``(n, d)``."""
    log_p, score = np.empty(len(x)), np.empty(x.shape[::-1])
    evaluate_all(make_formula(density.closed_form()), np.ascontiguousarray(x.T), log_p, score)
    return log_p, score.T


# --- points -------------------------------------------------------------------


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_compiled_points_are_those_of_the_density(name, scale):
    density = DENSITIES[name]
    x = scale * density.sample(40, np.random.default_rng(2))  # three times: out of some bounds
    log_p, score = density.log_prob_and_score(x)
    found, slope = compiled_points(density, x)
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
    found, score = compiled_points(density, x.detach().numpy())
    np.testing.assert_allclose(score, slope, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(np.ptp(found - height.detach().numpy()), 0.0, atol=1e-12)


@pytest.mark.parametrize("x", [1e155, 1e200, np.inf, np.nan])
@pytest.mark.parametrize("name", ["mixture", "kernels", "star"])
def test_far_out_p_vanishes_or_is_undefined_as_in_the_density(name, x):
    points = np.array([[x, 0.0], [-x, x]])
    with np.errstate(all="ignore"):
        log_p, _ = DENSITIES[name].log_prob_and_score(points)
    found, _ = compiled_points(DENSITIES[name], points)
    np.testing.assert_array_equal(found, log_p)


def test_densities_without_a_closed_form_say_so():
    bare = Curve(["t", "t**2"], [0, 1]), KernelDensity(START)
    for density in (*bare, STAR.smoothed(0.5)):
        assert make_formula(density.closed_form()) is None


# --- arithmetic, and the numbers that chains draw -----------------------------


@elementary.fast
def over(function, x, out):
    for j in range(len(out)):
        out[j] = function(x[j])


WIDE = np.random.default_rng(4).uniform(-744, 709, 20_000)
SPECIAL = np.array([0.0, -0.0, -1.0, np.inf, -np.inf, np.nan, 1.0, 5e-324, 1e-310, 709.79, -745.2])


@pytest.mark.parametrize(
    ("function", "known", "x"),
    [
        (elementary.log, np.log, np.concatenate([np.exp(WIDE), 1 + WIDE / 1500, SPECIAL])),
        (elementary.exp, np.exp, np.concatenate([WIDE, WIDE / 1000, SPECIAL])),
    ],
)
def test_functions_are_numpys_to_two_units_in_the_last_place(function, known, x):
    out = np.empty_like(x)
    over(function, x, out)
    with np.errstate(all="ignore"):
        expected = known(x)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(out[~finite], expected[~finite])
    error = np.abs(out[finite] - expected[finite])
    assert (error <= 2 * np.spacing(np.abs(expected[finite]))).all()


def test_arithmetic_is_done_on_several_numbers_at_once_and_never_fused():
    out = np.empty(8)
    for function in (elementary.exp, elementary.log):
        over(function, out, out.copy())
    code = " ".join(over.inspect_asm().values())
    assert "vfmadd" not in code  # fused, the last bit would depend on the processor
    packed = ("mulpd", ".2d")  # on x86, with AVX or without, and on ARM
    assert any(name in code for name in packed)


def next_words(state, n):
    """n words of xoshiro256++, as its authors publish it, in Python's whole numbers."""
    s, full = [int(word) for word in state], 2**64 - 1

    def turned(word, by):
        return (word << by | word >> (64 - by)) & full

    words = []
    for _ in range(n):
        words.append((turned((s[0] + s[3]) & full, 23) + s[0]) & full)
        t = s[1] << 17 & full
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = turned(s[3], 45)
    return words


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_normals_are_those_of_the_published_generator(dim):
    own = streams(5)
    states = own.states.copy()
    numbers = own.normals(3, dim + 1, adjusted=True)
    for state, steps in zip(states, numbers, strict=True):
        pairs = -(-dim // 2)
        words = iter(next_words(state, 3 * (2 * pairs + 1)))
        for step in steps:
            expected = []
            for _ in range(pairs):
                radius, word = next(words), next(words)
                u, v = ((w >> 12) + 0.5 for w in (radius, word))
                length = np.sqrt(-2 * np.log(u * 2.0**-52))
                pair = np.array(
                    [np.cos(v * 2.0**-52 * np.pi / 4), np.sin(v * 2.0**-52 * np.pi / 4)]
                )
                pair = pair[::-1] if word & 1 else pair
                expected += list(length * pair * [1 - (word & 2), 1 - (word & 4) / 2])
            expected = [*expected[:dim], ndtri(((next(words) >> 12) + 0.5) * 2.0**-52)]
            np.testing.assert_allclose(step, expected, rtol=1e-13, atol=1e-15)


def test_normals_are_normal_and_independent():
    numbers = streams(200).normals(2000, 4, adjusted=True)  # three from pairs, and one alone
    n = numbers[..., 0].size
    for column in np.moveaxis(numbers, -1, 0):
        assert stats.kstest(column.ravel(), "norm").pvalue > 1e-4
        # mean, variance, skewness and kurtosis within five standard errors of 0, 1, 0 and 3
        for power, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
            error = (column**power).mean() - expected
            assert abs(error) < 5 * np.sqrt(variance / n)
    chains = numbers.reshape(200, -1)
    between = np.corrcoef(chains)[np.triu_indices(200, 1)] * np.sqrt(chains.shape[1])
    assert np.abs(between).max() < 5.5  # of 19,900
    assert between.std() == pytest.approx(1.0, abs=0.05)
    for values in (chains, chains**2 - 1):  # lags up to three steps
        values = values / values.std()
        for lag in range(1, 13):
            correlation = (values[:, lag:] * values[:, :-lag]).mean()
            assert abs(correlation) < 5 / np.sqrt(values.size)


def test_a_stream_knows_nothing_of_those_beside_it():
    own = streams(150)
    numbers = own.normals(7, 3, adjusted=True)
    again = streams(150).first(3)
    np.testing.assert_array_equal(again.normals(4, 3, adjusted=True), numbers[:3, :4])
    np.testing.assert_array_equal(again.normals(3, 3, adjusted=True), numbers[:3, 4:])
    np.testing.assert_array_equal(again.states, own.states[:3])


# --- code that is kept --------------------------------------------------------

COMPILED = """
import sys
sys.path.insert(0, "workflow")
from autoscore.samplers.compiled.normals import read
from autoscore.samplers.streams import Streams
import numpy as np
streams = Streams(np.arange(8, dtype=np.uint64).reshape(2, 4))
print(streams.normals(2, 2, adjusted=False).tolist(), len(read.stats.cache_hits))
"""


def told(folder, **options):
    command = [sys.executable, "-c", COMPILED]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, **options
    )


def output(process):
    out, _ = process.communicate()
    assert process.returncode == 0
    numbers, hits = out.rsplit(maxsplit=1)
    return numbers, int(hits)


def test_code_is_kept_for_later_processes_and_shared_by_two_at_once(tmp_path):
    first, second = (output(process) for process in [told(tmp_path), told(tmp_path)])
    assert first[0] == second[0]
    assert output(told(tmp_path)) == (first[0], 1)
    for file in tmp_path.rglob("*.nb?"):  # a damaged file costs no more than to compile
        file.write_bytes(b"damaged")
    assert output(told(tmp_path)) == (first[0], 0)


def test_without_a_folder_to_write_to_code_is_compiled(tmp_path):
    file = tmp_path / "file"
    file.touch()
    assert output(told(file))[1] == 0  # no folder can be made below a file


def test_the_folder_of_kept_code_is_one_for_each_version(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    before = cache.folder()
    copy = tmp_path / "compiled"
    shutil.copytree(Path(cache.__file__).parent, copy)
    monkeypatch.setattr(cache, "__file__", str(copy / "cache.py"))
    assert cache.folder() == before
    with (copy / "elementary.py").open("a") as file:
        file.write("# changed\n")
    assert cache.folder() != before
    assert cache.folder().is_relative_to(tmp_path)


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
def test_threads_and_more_chains_change_no_bit(kernel):
    kernel = KERNELS[kernel](ExactTarget(STAR))
    options = {"burn_in": 25, "thin": 2, "compiled": True} | tuning(kernel)
    alone = run(kernel, START, 15, generators(20), **options)
    for threads, more in ((1, 1), (2, 2), (3, 200), (30, 3)):  # in blocks of 8 to 112 lanes
        start = np.concatenate([START, np.repeat(START[:1], more, axis=0)])
        found = run(kernel, start, 15, generators(len(start)), threads=threads, **options)
        np.testing.assert_array_equal(found.draws[:20], alone.draws)
        np.testing.assert_array_equal(found.acceptance[:20], alone.acceptance)
        assert found.kernel == alone.kernel


ELSEWHERE = """
import sys
sys.path[:0] = [".", "workflow"]
import numba
from tests.unit import test_compiled as here
print(numba.config.CPU_NAME, here.draws_of_two_densities())
"""


def draws_of_two_densities():
    runs = []
    for density in (STAR, PAIR):
        kernel = AdjustedLangevin(ExactTarget(density), 0.05, 2.0)
        options = {"burn_in": 40, "compiled": True, "target_acceptance": 0.6}
        runs.append(run(kernel, START, 20, streams(20), **options).draws)
    return hashlib.sha256(np.array(runs).tobytes()).hexdigest()


def test_another_processor_changes_no_bit():
    command = [sys.executable, "-c", ELSEWHERE]
    environment = os.environ | {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    found = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, check=True, text=True
    )
    assert found.stdout.split() == ["generic", draws_of_two_densities()]


class KilledError(Exception):
    """Stands for whatever ends a job."""


@every_kernel
@pytest.mark.parametrize("threads", [1, 2])
def test_a_killed_run_goes_on_from_its_checkpoint(kernel, threads, monkeypatch, tmp_path):
    monkeypatch.setattr(chains_module, "LONGEST", 80)
    monkeypatch.setattr(chains_module, "PIECE", 0.0)  # pieces of 10 steps, then fewer
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
    whole = run(kernel, START, 30, streams(20), compiled=True)
    own = streams(20)
    first = run(kernel, START, 12, own, compiled=True)
    second = run(kernel, first.state, 18, own, compiled=True)
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
        (Langevin(ExactTarget(STAR.smoothed(0.5)), 0.1), 2),
    ],
    ids=["kernel", "path", "quadrature"],
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
from autoscore.samplers.streams import Streams
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
