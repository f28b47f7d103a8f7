"""No point at all, and one: everything that takes points, and what is left of the tables."""

from functools import partial
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from autoscore.baselines.kernel_score import fit_gaussian, fit_kernel_score
from autoscore.combination import Extrapolated, choose
from autoscore.densities.curve_mixtures import curve_mixture
from autoscore.densities.curves import Curve
from autoscore.densities.energies import EnergyDensity
from autoscore.densities.kernels import KernelDensity, fit_bandwidth
from autoscore.densities.mixtures import GaussianMixture
from autoscore.densities.samples import Lengths
from autoscore.fields import Field, symmetric_share
from autoscore.files.storage import write_arrays, write_table
from autoscore.geometry import plane, potential, reconstruction, windows
from autoscore.geometry.curve import beside_curve, direction_table, tangent_table
from autoscore.geometry.fixed_points import find_fixed_points
from autoscore.geometry.line import noisy_pairs
from autoscore.geometry.stage import COLUMNS, measure
from autoscore.geometry.summary import hessian_error
from autoscore.models.conditioned.network import Conditioned
from autoscore.models.corrected.network import Corrected
from autoscore.models.registry import MODELS
from autoscore.models.separate.network import Architecture, Separate
from autoscore.numerics import errors
from autoscore.numerics.streams import generator
from autoscore.optimum.bias import tweedie_gap
from autoscore.optimum.curves import curve_grid
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.optimum.linear import LinearField, LinearOptimum
from autoscore.optimum.rcae_1d import ContractiveOptimum1D
from autoscore.optimum.rcae_2d import ContractiveOptimum2D
from autoscore.sample import distances, mixing
from autoscore.sample.differences import difference_rows
from autoscore.sample.quality import DrawQuality, cells_of
from autoscore.samplers.chains import run
from autoscore.samplers.langevin import AdjustedLangevin
from autoscore.samplers.random_walk import RandomWalk
from autoscore.samplers.targets import ExactTarget, PathTarget
from autoscore.samplers.walk import AdjustedWalk, Blend
from autoscore.score import references
from autoscore.score.estimates import CHOICES
from autoscore.score.held_out import held_out_table, losses
from autoscore.train.stack import LearnedField

pytestmark = pytest.mark.filterwarnings("error")

SPREAD = np.random.default_rng(0).normal(size=(30, 9))  # points, of which the first columns count
LINE = GaussianMixture([0.4, 0.6], [[-0.5], [0.7]], [[[0.09]], [[0.16]]])
PLANE = GaussianMixture([1, 1], [[-0.5, 0.0], [0.5, 0.3]], [0.1 * np.eye(2), 0.2 * np.eye(2)])
WELL = EnergyDensity("(x**2 - 1)**2", [[-2.0, 2.0]])
DENSITIES = {
    "mixture, d = 1": LINE,
    "mixture, d = 2": PLANE,
    "mixture, d = 9": curve_mixture(9),
    "energy, d = 1": WELL,
    "energy, d = 2": EnergyDensity("x1**2 + x1*x2 + 2*x2**2", [[-6.0, 6.0], [-6.0, 6.0]]),
    "energy that ends at its box": EnergyDensity("x1 + x2**2", [[-1.0, 1.0], [-4.0, 4.0]]),
    "constant energy": EnergyDensity("0*x", [[-1.0, 1.0]]),
    "thick curve": Curve(["cos(t)", "sin(t)"], (0.0, 3.0), 0.1),
    "kernel density, d = 1": KernelDensity(SPREAD[:, :1], 0.3),
    "kernel density, d = 2": KernelDensity(SPREAD[:, :2], 0.3),
    "kernel density, d = 9": KernelDensity(SPREAD, 0.3),
    "kernel density of one point": KernelDensity(SPREAD[:1, :2], 0.3),
}
SMOOTHED = {f"{name}, smoothed": p.smoothed(0.2) for name, p in DENSITIES.items()}
SMOOTHED["points, smoothed"] = KernelDensity(SPREAD[:, :2]).smoothed(0.2)
SMOOTHED["curve, smoothed"] = Curve(["cos(t)", "sin(t)"], (0.0, 3.0)).smoothed(0.2)
SMOOTHED["energy, d = 2, smoothed twice"] = SMOOTHED["energy, d = 2, smoothed"].smoothed(0.1)
SMOOTHED["energy, d = 2, smoothed widely"] = DENSITIES["energy, d = 2"].smoothed(5.0)
SMOOTHED["energy, d = 2, coarser"] = SMOOTHED["energy, d = 2, smoothed"].coarser()


def drawn(stack, *points):
    generators = [np.random.default_rng(seed) for seed in stack.seeds]
    stack.initialise(*points, generators)
    stack.theta = stack.theta + 0.1  # what begins as the identity shall bend, too
    return stack


def separate(dim, precision="single", **shape):
    members = ([0.2, 0.4], [0, 0], [50, 50], [[0.5] * dim] * 2, [2.0, 2.0])
    stack = Separate(dim, Architecture(**shape), *members, precision)
    return drawn(stack, SPREAD[:, :dim])


def conditioned(dim, **more):
    members = ([0, 1], [50, 50], [[0.5] * dim] * 2, [2.0, 2.0], [0.1, 0.1])
    return drawn(Conditioned(dim, 8, 1, 0.1, 1.0, *members, **more))


def field_of(stack, sigma=0.2):
    return LearnedField(stack, 0, sigma)


LINEAR = LinearOptimum.fit(SPREAD[:, :2])
FIELDS = {
    "denoising optimum, d = 1": DenoisingOptimum(LINE, 0.2),
    "denoising optimum, d = 2": DenoisingOptimum(PLANE, 0.2),
    "denoising optimum of points": DenoisingOptimum(KernelDensity(SPREAD[:, :2]), 0.2),
    "denoising optimum of a curve": DenoisingOptimum(Curve(["t", "t**2"], (-1.0, 1.0)), 0.2),
    "contractive optimum, d = 1": ContractiveOptimum1D(LINE, 0.2, 201),
    "contractive optimum, d = 2": ContractiveOptimum2D.solve(PLANE, 0.2, 41),
    "linear": LinearField(LINEAR, 0.2),
    "linear, of one point": LinearField(LinearOptimum.fit(SPREAD[:1, :2]), 0.2),
    "extrapolated": Extrapolated([LinearField(LINEAR, s) for s in (0.1, 0.2)], [1.5, -0.5]),
    "separate, d = 1": field_of(separate(1, "double", hidden=(8,), residual="none")),
    "separate, d = 2": field_of(separate(2, hidden=(8,))),
    "separate, tied": field_of(separate(2, hidden=(8,), tied=True, residual="sigma")),
    "separate, deep": field_of(separate(2, hidden=(8, 8, 8), activation="sigmoid")),
    "conditioned": field_of(conditioned(2)),
    "conditioned, with features": field_of(conditioned(2, features=4)),
    "corrected": field_of(drawn(Corrected([1.0, 0.5, 0.0], 8, 6, 2, 0.1, 1.0, [0], [50]))),
}
OF_DENSITIES = {
    "log_prob": lambda p, x: p.log_prob(x),
    "score": lambda p, x: p.score(x),
    "both, log_prob": lambda p, x: p.log_prob_and_score(x)[0],
    "both, score": lambda p, x: p.log_prob_and_score(x)[1],
    "hessian": lambda p, x: p.hessian(x),
    "score_laplacian": lambda p, x: p.score_laplacian(x),
    "posterior_variance": lambda p, x: p.posterior_variance(x, 0.2),
}
OF_FIELDS = {
    "call": lambda r, x: r(x),
    "move": lambda r, x: r.move(x),
    "rounding": lambda r, x: r.rounding(x),
    "jacobian": lambda r, x: r.jacobian(x),
    "score": lambda r, x: r.score(x),
    "hessian": lambda r, x: r.hessian(x),
    "reconstruction_error": lambda r, x: r.reconstruction_error(x),
    "symmetry": lambda r, x: symmetric_share(r.jacobian(x)),
    "log_ratio": lambda r, x: r.log_ratio(x, x + 0.1),
    "curl": lambda r, x: r.curl(x),
}


def check_rows(function, dim):
    """No point gives no row, and one the row that it gives among others."""
    x = 0.7 * SPREAD[:5, :dim]
    many, one, none = (np.asarray(function(x[:n])) for n in (5, 1, 0))
    assert many.shape[0] == 5
    assert one.shape == (1, *many.shape[1:])
    assert none.shape == (0, *many.shape[1:])
    assert none.dtype == many.dtype == float
    assert np.isfinite(many).all()
    scale = np.abs(many).max()
    np.testing.assert_allclose(one, many[:1], rtol=1e-6, atol=1e-6 * scale + 1e-12)


@pytest.mark.parametrize("what", OF_DENSITIES)
@pytest.mark.parametrize("name", DENSITIES | SMOOTHED)
def test_a_density_takes_no_point_and_one(name, what):
    density = (DENSITIES | SMOOTHED)[name]
    check_rows(lambda x: OF_DENSITIES[what](density, x), density.dim)


@pytest.mark.parametrize("what", OF_FIELDS)
@pytest.mark.parametrize("name", FIELDS)
def test_a_field_takes_no_point_and_one(name, what):
    field = FIELDS[name]
    zero = what == "symmetry" and name == "linear, of one point"
    if zero or (what == "curl" and field.dim != 2):
        pytest.skip("not defined")
    check_rows(lambda x: OF_FIELDS[what](field, x), field.dim)


# --- geometry, losses, distances: tables without rows, one point, refusals --------------------

RNG = np.random.default_rng
NONE, ONE, FIVE = SPREAD[:0, :2], SPREAD[:1, :2], SPREAD[:5, :2]
ENERGY = partial(distances.Discrepancies, functions=[np.sqrt])
ALIKE = np.full((4, 2), 0.1)  # the mean of which rounds to another number
OPTIMUM, LEARNED = FIELDS["denoising optimum, d = 2"], FIELDS["separate, d = 2"]
NOISY = PLANE.smoothed(0.2)
PARABOLA = Curve(["t", "t**2"], (-1.0, 1.0))
SQUARE = np.array([[-1.0, 1.0], [-1.0, 1.0]])


class Steady(Field):
    """r(x) - x is the same everywhere: no Newton step lessens it, and no point moves."""

    sigma, dim = 0.1, 2

    def __call__(self, x):
        return x + np.array([0.0, 1.0])

    def jacobian(self, x):
        # as computed by a network, of no points if none moved
        return np.eye(2) + 0.0 * FIELDS["conditioned, with features"].jacobian(x)


class Idle(Steady):
    """r(x) = x."""

    def __call__(self, x):
        return x.copy()


@pytest.mark.parametrize("field", [OPTIMUM, LEARNED, Steady()], ids=["exact", "learned", "steady"])
def test_a_window_without_a_fixed_point_gives_all_columns_and_no_row(field, tmp_path):
    far = SQUARE + 50.0
    found, some = find_fixed_points(field, far, 5), find_fixed_points(OPTIMUM, 2 * SQUARE, 10)
    assert len(found) == 0 < len(some)
    assert found.dtypes.equals(some.dtypes)
    compared = plane.fixed_points_in([far], PLANE, {"exact": field}, FIVE, RNG(0))
    assert compared.columns.tolist() == COLUMNS["fixed_points"][:-1]
    write_table(tmp_path / "empty.csv", compared)
    assert pd.read_csv(tmp_path / "empty.csv").columns.tolist() == compared.columns.tolist()


TABLES = {
    "compare_with_data": lambda n: reconstruction.compare_with_data(OPTIMUM, NOISY, FIVE[:n], ONE),
    "local_correlations": lambda n: reconstruction.local_correlations(
        OPTIMUM, NOISY, FIVE[:n], RNG(0)
    ),
    "beside_curve": lambda n: beside_curve(PARABOLA, np.linspace(0.0, 0.1, n), 1, RNG(0)),
    "direction_table": lambda n: direction_table({"a": OPTIMUM}, PARABOLA, ONE[:n], [0.0, 9.0]),
    "tangent_table": lambda n: tangent_table({"a": LEARNED}, PARABOLA, np.linspace(-0.5, 0.5, n)),
    "uniform_points": lambda n: windows.uniform_points(SQUARE, n, RNG(0)),
    "nearest": lambda n: PARABOLA.nearest(FIVE[:n]),
    "inverse": lambda n: Blend(LEARNED, 1.0).inverse(FIVE[:n], 1e-3)[0],
    "linear draws": lambda n: LINEAR.sample(n, RNG(0)),
    "linear error": lambda n: LINEAR.error(FIVE[:n], np.array([0.1])).T,
    "kernel score": lambda n: fit_kernel_score(FIVE[:2], ONE, RNG(0)).score(FIVE[:n]),
} | {
    f"draws, {name}": lambda n, p=p: p.sample(n, RNG(0))
    for name, p in (DENSITIES | SMOOTHED).items()
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_no_point_has_no_row_and_that_of_one_has_one(name):
    none, one = TABLES[name](0), TABLES[name](1)
    assert (len(none), len(one)) == (0, 1)
    assert none.shape[1:] == one.shape[1:]


def sample_of(x):
    return {"train": x[None], "validation": ONE, "held_out": FIVE[1:2]}


NUMBERS = {  # what a single point, or points at one place, or a field that is idle, give
    "relative error of a reference that is 0": (
        lambda: [errors.relative_error(e, 0 * ONE, np.ones(1)) for e in (0 * ONE, ONE)],
        [np.nan, np.inf],
    ),
    "bootstrap": (lambda: errors.bootstrap_interval(np.ones(1), RNG(0)), [1.0, 1.0]),
    "symmetry of zeros": (lambda: symmetric_share(np.zeros((1, 2, 2))), np.nan),
    "asymmetry of zeros": (
        lambda: potential.asymmetry(np.zeros((1, 2, 2)), np.ones(1), traceless=True), np.nan,
    ),
    "asymmetry, d = 1": (
        lambda: potential.asymmetry(np.ones((1, 1, 1)), np.ones(1), traceless=True), np.nan,
    ),
    "rotation of nothing": (
        lambda: potential.helmholtz_split(Idle(), SQUARE, 4).fraction, np.nan,
    ),
    "hessian error": (lambda: hessian_error(OPTIMUM, NOISY, ONE, np.ones(1)), 0.0),
    "rank of one": (lambda: reconstruction.energy_correlation(OPTIMUM, NOISY, ONE), np.nan),
    "rank of a tie": (lambda: reconstruction.energy_correlation(Idle(), NOISY, FIVE), np.nan),
    "noise of an idle field": (
        lambda: reconstruction.estimate_noise(Idle(), FIVE, FIVE)["sigma"][2:], np.nan,
    ),
    "shortfall of an idle field": (
        lambda: reconstruction.loss_shortfall(Idle(), ONE, ONE), np.nan,
    ),
    "gap of no way": (lambda: potential.potential_gap(OPTIMUM, NOISY.log_prob, ONE, ONE), np.nan),
    "bandwidth for one point": (
        lambda: fit_bandwidth(ONE, ONE + 3.0).bandwidth, 3.0,
    ),
    "bandwidth for one place": (lambda: fit_bandwidth(ALIKE, ALIKE[:1]).bandwidth, 0.0),
    "discrepancies of one point": (
        lambda: [ENERGY(FIVE)(ONE)[0], distances.squared_mmd(FIVE, ONE, 1.0)],
        np.nan,
    ),
    "window of one point": (
        lambda: windows.window_of(ONE, 0.2), np.stack([ONE[0] - 0.6, ONE[0] + 0.6], axis=1),
    ),
    "window of one place": (lambda: windows.windows_of(ALIKE, 0.1), [[[-0.2, 0.4]] * 2]),
    "line around one place": (
        lambda: curve_grid(KernelDensity([[2.0]]), 3, 0.5), [0.5, 2.0, 3.5],
    ),
    "error of held-out point that is its own": (
        lambda: references.empirical_reference(ONE, ONE, 0.2, RNG(0)).own_error, 0.0,
    ),
    "standard error of one point": (
        lambda: losses(OPTIMUM, ONE, np.ones((1, 1, 2)))["standard_error"], np.nan,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_a_single_point_has_a_number(name):
    function, expected = NUMBERS[name]
    found = np.asarray(function())
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=1e-12)


def test_a_window_far_out_keeps_a_width():
    low, high = windows.window_of(np.full((2, 1), 1e17), 0.1)[0]
    assert low < 1e17 < high


def test_everything_is_measured_on_one_held_out_and_one_validation_point():
    stack = separate(2, hidden=(8,), tied=True)
    learned = {("dae", "separate", "samples"): stack}
    table = held_out_table(FIVE[1:2], learned, [], np.array([0.2]), (0,))
    assert np.isfinite(table[["denoising_loss", "score_matching_loss"]]).all(axis=None)
    settings = {
        "sigmas": [0.2, 0.4],
        "shown": {"sigma": 0.2, "windows": [], "attractors": False},
        "figures": ["map"],
        "architecture": {"hidden": (8,)},
    }
    data = sample_of(FIVE) | {"held_out": ONE}
    _, tables = measure(KernelDensity(FIVE), learned, data, settings, (0, "geometry"))
    assert {name: table.columns.tolist() for name, table in tables.items()} == COLUMNS
    assert {"gaussian", "untrained", "kde"} <= set(tables["summary"]["model"])
    summary = tables["summary"].set_index("quantity")["value"]
    estimates = summary.index.str.startswith("sigma_")  # of no square that is positive
    assert np.isfinite(summary[~estimates]).all()


@pytest.mark.parametrize("objective", ["dae", "rcae"])
@pytest.mark.parametrize("points", [ONE, ALIKE], ids=["one", "alike"])
@pytest.mark.parametrize(
    "kind", [(name, source) for name, model in MODELS.items() for source in model.training]
)
def test_points_at_one_place_are_learned(kind, points, objective):
    name, source = kind
    train = MODELS[name].trainer(source)
    schedule = {"steps": 3, "learning_rate": 0.01, "batch": 4}
    settings = {"sigmas": [0.2, 0.4], "seeds": 1, "sizes": ["all"], "nodes": 16, "noise": "sobol"}
    settings |= {"architecture": {"hidden": [4]}, "warm_start": False, "optimiser": "adam"}
    settings |= {"network": {"width": 4, "blocks": 1, "features": 0, "frequency": 2.0}}
    settings["schedules"] = dict.fromkeys(("exact", "samples", "conditioned"), schedule)
    exact = source == "exact"
    data = KernelDensity(points[:, :1]) if exact else sample_of(points)
    stack, _ = train(data, settings, objective, (0, "target", objective, name))
    field = stack.field(0.2, 0, np.inf if exact else len(points))
    assert np.isfinite(field(FIVE[:, : field.dim])).all()


REFUSED = {
    "no grid": (lambda: find_fixed_points(OPTIMUM, SQUARE, 0), "1 cell or more, not 0"),
    "no width": (lambda: find_fixed_points(OPTIMUM, [[1, 1], [0, 1]], 5), "low < high"),
    "no width to split": (lambda: potential.helmholtz_split(OPTIMUM, 0 * SQUARE, 4), "low < high"),
    "window": (lambda: windows.window_of(NONE, 0.1), "a window needs"),
    "windows": (lambda: windows.windows_of(NONE, 0.1), "a window needs"),
    "quantile": (
        lambda: reconstruction.compare_with_data(OPTIMUM, NOISY, ONE, NONE), "a quantile",
    ),
    "hessian": (lambda: hessian_error(OPTIMUM, NOISY, NONE, NONE[:, 0]), "a Hessian"),
    "asymmetry": (lambda: potential.asymmetry(np.empty((0, 2, 2)), NONE[:, 0]), "the asymmetry"),
    "noise": (lambda: reconstruction.estimate_noise(OPTIMUM, NONE, NONE), "the noise needs"),
    "gap": (lambda: potential.potential_gap(OPTIMUM, NOISY.log_prob, NONE, NONE), "a gap"),
    "losses": (lambda: losses(OPTIMUM, NONE, np.empty((1, 0, 2))), "a loss needs"),
    "held out": (
        lambda: held_out_table(NONE, {}, [], [0.1], (0,)), "held-out",
    ),
    "pairs": (lambda: noisy_pairs(NONE[:, :1], NONE[:, 0], 0.1), "noisy points needs"),
    "relative error": (lambda: errors.relative_error(NONE, NONE, NONE[:, 0]), "relative error"),
    "order": (lambda: errors.fitted_order(np.ones(1), np.ones(1)), "at least 2 points, not 1"),
    "bootstrap": (lambda: errors.bootstrap_interval(NONE[:, 0], RNG(0)), "an? bootstrap interval"),
    "distance": (lambda: distances.median_distance(ONE), "at least 2 points, not 1"),
    "bandwidth": (lambda: distances.squared_mmd(FIVE, FIVE, 0.0), "must be > 0, not 0"),
    "discrepancy": (lambda: ENERGY(FIVE)(NONE), "a discrepancy"),
    "discrepancy from": (lambda: ENERGY(NONE)(FIVE), "a discrepancy"),
    "divergence": (lambda: distances.histogram_kl(NONE, CELLS), "a divergence"),
    "log p": (lambda: distances.mean_log_p(NONE, PLANE), "a mean of log p"),
    "clean reference": (lambda: references.clean_reference(PLANE, NONE), "a reference"),
    "reference": (
        lambda: references.sampled_references(PLANE, 0.1, NONE, RNG(0)), "a reference"
    ),
    "empirical reference": (
        lambda: references.empirical_reference(ONE, NONE, 0.1, RNG(0)), "a reference"
    ),
    "fitted bandwidth": (lambda: fit_bandwidth(FIVE, NONE), "a choice of the bandwidth"),
    "kernel score": (lambda: fit_kernel_score(ONE, ONE, RNG(0)), "two different points"),
    "Gaussian": (lambda: fit_gaussian(ALIKE, ONE), "two different points"),
    "Gaussian of none": (lambda: fit_gaussian(FIVE, NONE), "held-out"),
    "linear optimum": (lambda: LinearOptimum.fit(NONE), "a mean"),
    "combination": (lambda: choose([OPTIMUM], FIVE[:4]), "4 held-out samples are too few"),
    "combination of none": (lambda: choose([OPTIMUM], FIVE, NONE), "no samples"),
    "noise grid": (lambda: Lengths.of(ALIKE).grid(), "at one place"),
    "Tweedie": (lambda: tweedie_gap(WELL, 0.1, NONE[:, :1]), "a largest gap"),
    "steps": (lambda: list(difference_rows(OPTIMUM, NOISY, ONE, RNG(0))), "2 points, not 1"),
}  # fmt: skip
CELLS = distances.Cells.of(PLANE, [np.linspace(-3.0, 3.0, 4)] * 2)


@pytest.mark.parametrize("name", REFUSED)
def test_too_few_points_are_refused_in_one_sentence(name):
    function, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        function()


def test_landmarks_that_are_mostly_one_place_have_a_bandwidth():
    points = np.concatenate([np.repeat(ALIKE, 3, axis=0), ONE])
    assert np.isfinite(fit_kernel_score(points, ONE, RNG(0)).score(FIVE)).all()


# --- chains -------------------------------------------------------------------------------------

NOWHERE = ExactTarget(PLANE, bounds=SQUARE + 50.0)  # accepts no proposal that comes near the data
KERNELS = {
    "random walk": RandomWalk(NOWHERE, 0.1),
    "Langevin": AdjustedLangevin(NOWHERE, 0.1),
    "walk": AdjustedWalk(NOWHERE, OPTIMUM, 0.1),
}


@pytest.mark.parametrize("draws", [0, 1, 8])
@pytest.mark.parametrize("name", KERNELS)
def test_a_chain_that_accepts_nothing_stays_and_is_measured(name, draws):
    chains = run(KERNELS[name], ONE, draws, [RNG(0)], burn_in=2)
    assert chains.draws.shape == (1, draws, 2)
    assert (chains.draws == chains.state.x).all()
    assert chains.acceptance == 0.0
    found = mixing.mixing_row(chains)
    assert not np.isfinite(found["rhat"])


def test_stuck_chains_do_not_pass_for_mixed():
    draws = np.repeat(FIVE[:, None], 8, axis=1)
    assert (mixing.rhat(draws) > 1e9).all()
    np.testing.assert_array_equal(mixing.effective_sample_size(draws), [5, 5])


def test_one_draw_is_measured():
    found = DrawQuality(PLANE, cells_of(PLANE), partial(generator, 0)).row(ONE, "one")
    assert np.isfinite([found[key] for key in ("kl_excess", "log_p_short", "coverage")]).all()


def test_no_chain_runs():
    kernel = RandomWalk(PathTarget(LEARNED, 2), 0.1)
    state, info = kernel.step(kernel.init(NONE), np.empty((0, 3)))
    assert state.x.shape == (0, 2)
    assert info.accepted.shape == (0,)


# --- figures ------------------------------------------------------------------------------------

ZERO, TEXTURE = np.zeros((80, 80)), RNG(0).random((80, 80))
LABELS = {"titles": np.array(["a", "b"]), "sigma": np.array(0.1)}
NO_POINTS = pd.DataFrame(columns=COLUMNS["fixed_points"])
ERROR = {"density": "a", "objective": "dae", "model": "separate", "sigma": 0.1, "seed": 0, "n": 5}
LOSSES = {"model": "separate", "objective": "dae", "sigma": 0.1}


def map_of(exact, **learned):
    norms = {f"norm_0_{name}": norm for name, norm in ({"exact": exact} | learned).items()}
    return {
        "arrays": {"map_0": SQUARE, "log_p_0": ZERO} | norms | LABELS,
        "fixed_points": NO_POINTS,
    }


def quiver_of(flow, points):
    return {"arrays": {"window_0": SQUARE, "arrows_0_exact": flow, "points": points} | LABELS}


def rows_of(*values, **labels):
    """Return error tables of one value each, and of none."""
    columns = [*ERROR, "reference", "relative_error"]
    row = ERROR | {"reference": "optimum"} | labels
    return {"errors": pd.DataFrame([row | {"relative_error": v} for v in values], columns=columns)}


def losses_of(*values):
    columns = [*LOSSES, "denoising_loss", "score_matching_loss"]
    rows = [LOSSES | dict.fromkeys(columns[3:], value) for value in values]
    return {"losses": pd.DataFrame(rows, columns=columns)}


DRAWN = {
    "map, nothing moves": ("map", map_of(ZERO)),
    "map, of one shade": ("map", map_of(ZERO + 1.0, separate=ZERO)),
    "map, of tiny moves": ("map", map_of(TEXTURE, separate=1e-12 * TEXTURE)),
    "quiver, nothing moves": ("quiver", quiver_of(np.zeros((30, 30, 2)), NONE)),
    "quiver, one point": ("quiver", quiver_of(np.ones((30, 30, 2)), ONE)),
    "held out, none": ("held_out", losses_of()),
    "held out, one": ("held_out", losses_of(0.5)),
    "held out, no gain": ("held_out", losses_of(0.0, 0.0)),
    "held out, infinite": ("held_out", losses_of(np.inf, 1.0)),
    **{
        f"{figure}, {name}": (figure, rows)
        for figure in ("learned_error", "plane_error", "baselines")
        for name, rows in {
            "none": rows_of(),
            "one": rows_of(0.1),
            "zero": rows_of(0.0),
            "zero of p": rows_of(0.0, model="kde", reference="p", sigma=0.0),
        }.items()
    },
    "losses, none": ("losses", {"losses": pd.DataFrame(columns=COLUMNS["losses"])}),
    "shape, none": ("shape", {"summary": pd.DataFrame(columns=COLUMNS["summary"])}),
    "tangent, none": (
        "tangent", {"arrays": LABELS, "profiles": pd.DataFrame(columns=COLUMNS["profiles"])},
    ),
    "combinations, none": (
        "combinations", {"choices": pd.DataFrame(columns=["density", *CHOICES])},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_figures_of_nothing_and_of_one_value_are_drawn_without_a_warning(name, tmp_path):
    figure, inputs = DRAWN[name]
    paths = {}
    for key, value in inputs.items():
        write, suffix = (write_arrays, "npz") if isinstance(value, dict) else (write_table, "csv")
        paths[key] = str(tmp_path / f"{key}.{suffix}")
        write(paths[key], value)
    drawn, settings = str(tmp_path / "drawn.png"), {"densities": ["a"], "density": "a"}
    import_module(f"autoscore.figures.{figure}").draw(paths, {"png": drawn}, settings)
    pixels = np.asarray(Image.open(drawn).convert("L"))
    assert (pixels < 128).any(axis=0).mean() > 0.1
    if figure == "map" and len(inputs["arrays"]) > 5:  # a panel that is learned is shaded, too
        right = pixels[pixels.shape[0] // 3 : pixels.shape[0] // 2, 2 * pixels.shape[1] // 3 :]
        assert ((right < 255).mean() > 0.2) == inputs["arrays"]["norm_0_separate"].any()
