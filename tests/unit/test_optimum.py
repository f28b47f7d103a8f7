from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from autoscore.densities.base import leading_bias
from autoscore.densities.energies import EnergyDensity
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.mixtures import GaussianMixture
from autoscore.densities.registry import make_density
from autoscore.densities.smoothing import SmoothedEnergy
from autoscore.files.storage import read_arrays, write_arrays
from autoscore.numerics.errors import fitted_order
from autoscore.numerics.streams import generator
from autoscore.optimum.bias import bias_table, optimal_field, order_table, tweedie_gap
from autoscore.optimum.curves import curve_grid, optimum_curves, optimum_plane, stored_optimum
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.optimum.losses import (
    RIPPLES,
    Ripple,
    contractive_loss,
    denoising_loss,
    loss_table,
    plane_rule,
)
from autoscore.optimum.rcae_1d import ContractiveOptimum1D, solve_rcae_1d
from autoscore.optimum.rcae_2d import ContractiveOptimum2D
from autoscore.optimum.stage import solve
from tests.unit.oracles import (
    CONFIG,
    THREE_WELLS,
    difference,
    posterior_moments,
    three_wells_energy,
)

WELLS = make_density(THREE_WELLS)
MIXTURE = make_density(CONFIG["densities"]["mixture"])
PLANAR = GaussianMixture(
    [0.5, 0.5], [[-0.5, 0.0], [0.5, 0.3]], [[[0.2, 0.05], [0.05, 0.1]], [[0.1, 0.0], [0.0, 0.3]]]
)
DEGENERATE = KernelDensity(np.array([[-0.5], [0.0], [0.5]]))
DENSITIES = {"three_wells": WELLS, "mixture": MIXTURE}


# --- the denoising optimum ---------------------------------------------------


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.4, 1.0])
def test_denoising_optimum_is_the_posterior_mean(sigma):
    y = np.array([-1.9, -1.49, -0.5, 0.1, 1.3])
    y = y[np.abs(y) < 1.5 + 9 * sigma]  # the bounds of p_sigma
    expected = [posterior_moments(three_wells_energy, (-1.5, 1.5), at, sigma)[0] for at in y]
    actual = DenoisingOptimum(WELLS, sigma)(y[:, None])[:, 0]
    np.testing.assert_allclose(actual, expected, atol=1e-8, rtol=0)


@pytest.mark.parametrize(
    "density", [WELLS, MIXTURE, PLANAR, DEGENERATE], ids=["wells", "1", "2", "degenerate"]
)
def test_denoising_optimum_is_tweedies_formula(density):
    sigma, x = 0.3, np.random.default_rng(0).uniform(-1.2, 1.2, (9, density.dim))
    optimum, smoothed = DenoisingOptimum(density, sigma), density.smoothed(sigma)
    gradient = difference(smoothed.log_prob, x)
    np.testing.assert_allclose(optimum(x), x + sigma**2 * gradient, atol=1e-9)
    np.testing.assert_allclose(optimum.score(x), gradient, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(optimum.jacobian(x), difference(optimum, x), atol=1e-8)
    expected = (optimum.jacobian(x) - np.eye(density.dim)) / sigma**2
    np.testing.assert_allclose(optimum.hessian(x), expected, rtol=1e-12, atol=1e-12)


def test_denoising_optimum_of_a_gaussian_shrinks_towards_its_mean():
    covariance = np.array([[0.5, 0.2], [0.2, 0.3]])
    mean, y = np.array([1.0, -1.0]), np.random.default_rng(1).standard_normal((5, 2))
    optimum = DenoisingOptimum(GaussianMixture([1], mean[None], covariance[None]), 0.6)
    gain = covariance @ np.linalg.inv(covariance + 0.36 * np.eye(2))
    np.testing.assert_allclose(optimum(y), mean + (y - mean) @ gain.T, rtol=1e-13)


def test_denoising_optimum_of_points_is_their_softmax_mean():
    y = np.array([[-0.3], [0.1], [2.0]])
    points = np.array([-0.5, 0.0, 0.5])
    weights = np.exp(-0.5 * ((y - points) / 0.2) ** 2)
    expected = (weights @ points / weights.sum(1))[:, None]
    np.testing.assert_allclose(DenoisingOptimum(DEGENERATE, 0.2)(y), expected, atol=1e-14)


def test_the_tweedie_gap_is_small_for_the_truth_and_shows_an_error():
    y = np.linspace(-1.5, 1.5, 21)[:, None]
    assert tweedie_gap(WELLS, 0.05, y) < 1e-10

    class Off(EnergyDensity):
        def score(self, x):
            return super().score(x) + 1e-3

    off = Off(THREE_WELLS["expression"], THREE_WELLS["bounds"])
    # a clean score that is 1e-3 too large moves r by sigma^2 of it
    assert tweedie_gap(off, 0.05, y) == pytest.approx(0.05**2 * 1e-3, rel=1e-4)


# --- the contractive optimum -------------------------------------------------


@pytest.mark.parametrize(("variance", "sigma"), [(1.0, 0.1), (1.0, 1.0), (0.04, 0.5)])
def test_contractive_optimum_of_a_gaussian_is_linear(variance, sigma):
    # g = -x / (v + sigma^2) solves g - sigma^2 (p g')' / p = p' / p: with p' / p = -x / v the left
    # side is -(x + sigma^2 x / v) / (v + sigma^2) = -x / v
    gaussian = GaussianMixture([1], [[0.5]], [[[variance]]])
    x = 0.5 + np.sqrt(variance) * np.linspace(-5, 5, 41)[:, None]
    field = ContractiveOptimum1D(gaussian, sigma, 20_001)
    expected = -(x - 0.5) / (variance + sigma**2)
    np.testing.assert_allclose(field.score(x), expected, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(field(x) - x, sigma**2 * expected, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(field.jacobian(x), variance / (variance + sigma**2), rtol=1e-5)


@pytest.mark.parametrize("sigma", [0.03, 0.3])
def test_the_contractive_solve_is_of_second_order(sigma):
    def solve(points):
        return solve_rcae_1d(WELLS, np.linspace(-1.5, 1.5, points), sigma)

    finest = solve(64_001)
    counts = np.array([1001, 2001, 4001])
    errors = [np.abs(solve(n) - finest[:: 64_000 // (n - 1)]).max() for n in counts]
    np.testing.assert_allclose(np.log2(errors[:-1] / np.roll(errors, -1)[:-1]), 2, atol=0.05)


def test_the_contractive_optimum_obeys_the_euler_lagrange_equation():
    sigma, x = 0.2, np.linspace(-1.4, 1.4, 29)[:, None]
    field = ContractiveOptimum1D(WELLS, sigma, 20_001)

    def slope(x):
        return field.jacobian(x)[:, :, 0]

    # r - x = sigma^2 (r'' + r' p' / p)
    right = sigma**2 * (difference(slope, x, 5e-3)[:, :, 0] + slope(x) * WELLS.score(x))
    np.testing.assert_allclose(field(x) - x, right, atol=2e-5)


def changed_loss(field, change, x, weights, sigma):
    """E[(r - x)^2 + sigma^2 r'^2] of r plus a change, given by its values and slopes."""
    value, slope = (field(x) - x)[:, 0] + change[0], field.jacobian(x)[:, 0, 0] + change[1]
    return weights @ (value**2 + sigma**2 * slope**2)


@pytest.mark.parametrize("sigma", [0.05, 0.3])
@pytest.mark.parametrize("name", DENSITIES)
def test_no_change_of_the_contractive_optimum_lowers_its_loss(name, sigma):
    density = DENSITIES[name]
    x, weights = density.quadrature(60)
    field = ContractiveOptimum1D(density, sigma, 40_001)
    best = changed_loss(field, (0, 0), x, weights, sigma)
    for frequency, phase in ((0.0, 1.0), (1.0, 0.0), (3.0, 1.0), (10.0, 2.0)):
        angle = frequency * x[:, 0] + phase
        change = 1e-2 * np.array([np.sin(angle), frequency * np.cos(angle)])
        # the loss is quadratic: at its minimum it rises by exactly the loss of the change itself
        rise = weights @ (change[0] ** 2 + sigma**2 * change[1] ** 2)
        for sign in (1, -1):
            changed = changed_loss(field, sign * change, x, weights, sigma)
            assert changed - best == pytest.approx(rise, rel=1e-3)


def test_underflow_does_not_reach_the_contractive_solve():
    density, sigma = EnergyDensity("x**2 / 2", [[-64, 64]]), 0.5
    x = np.linspace(-64, 64, 20_001)
    assert density.log_prob(x[:1, None])[0] < -2000
    g = solve_rcae_1d(density, x, sigma)
    assert np.isfinite(g).all()
    inside = np.abs(x) < 60
    # ratios of p at neighbouring points: relative error (x h)^2 / 24, 0.6% at 60
    np.testing.assert_allclose(g[inside], -x[inside] / (1 + sigma**2), rtol=0.006, atol=1e-9)


@pytest.mark.parametrize("sigma", [0.0, -0.1, np.nan])
def test_the_contractive_solve_needs_a_weight(sigma):
    with pytest.raises(ValueError, match=f"sigma must be > 0, not {sigma}"):
        solve_rcae_1d(WELLS, np.linspace(-1, 1, 11), sigma)


@pytest.mark.parametrize("x", [[0, 1], [0, 1, 3], [2, 1, 0], [0, 0, 0]])
def test_the_contractive_solve_needs_an_even_grid(x):
    with pytest.raises(ValueError, match="at least 3 points, evenly spaced and increasing"):
        solve_rcae_1d(WELLS, np.array(x, dtype=float), 0.1)


def test_the_contractive_optimum_climbs_stairs_through_thin_bumps():
    """On a bump of sd h alone r is linear, of slope h^2 / (h^2 + sigma^2): see the Gaussian."""
    bumps, h, sigma = make_density(CONFIG["densities"]["three_bumps"]), 0.05, 0.3
    best, centres = ContractiveOptimum1D(bumps, sigma, 20_001), np.array([[-0.5], [0.0], [0.5]])
    for shift in (-h, 0.0, h):
        # neighbours add p(0.25) sigma^2, a few parts in a thousand of the bump's own variance
        expected = centres + shift * h**2 / (h**2 + sigma**2)
        np.testing.assert_allclose(best(centres + shift), expected, atol=1e-3)
    x = np.linspace(-0.7, 0.7, 1400)[:, None]  # an even number: neither bumps nor their middle
    nearest = centres[np.abs(x - centres.T).argmin(1)]
    assert (np.sign(best.move(x)) == np.sign(nearest - x)).mean() > 0.99


@pytest.mark.parametrize("sigma", np.exp(-4.6 * np.array([0, 25, 40, 60]) / 99))
def test_the_optima_are_those_of_the_authors_grid_where_figure_4_shows_them(sigma):
    """Their contractive loss on 1,000 points, with p at the left end of each step, solved anew.

    Half a step to the left, their score is off by half a step times its slope at most; the bound
    is a step times the largest slope of what is seen. Their denoising optimum is a sum over the
    points, a trapezoidal rule that converges beyond any power.
    """
    x, step = np.linspace(-1.5, 1.5, 1000, retstep=True)
    p = np.exp(-three_wells_energy(x))
    stiffness = sigma**2 * p[:-1] / step
    matrix = np.diag(np.append(p[:-1] * step, 0.0))
    matrix += np.diag(np.append(stiffness, 0.0)) + np.diag(np.append(0.0, stiffness))
    matrix -= np.diag(stiffness, 1) + np.diag(stiffness, -1)
    rcae = np.linalg.solve(matrix, np.append(p[:-1] * step * x[:-1], 0.0))
    weights = p * np.exp(-0.5 * ((x[:, None] - x) / sigma) ** 2)
    theirs = {"rcae": rcae, "dae": weights @ x / weights.sum(1)}
    for objective, bound in (("rcae", None), ("dae", 1e-6)):
        ours = optimal_field(WELLS, objective, sigma, 20_001)
        score, slope = ours.score(x[:, None])[:, 0], ours.hessian(x[:, None])[:, 0, 0]
        seen = (score > -3) & (score < 4)
        off = np.abs((theirs[objective] - x) / sigma**2 - score)[seen].max()
        assert off < (bound or step * np.abs(slope[seen]).max())
        assert off < 0.01 * 7  # of the axis' height


# --- small noise -------------------------------------------------------------


@pytest.mark.parametrize("name", DENSITIES)
def test_both_optima_approach_the_score_at_order_two(name):
    window = np.array([0.002, 0.003, 0.0045, 0.006])
    bias = bias_table(DENSITIES[name], np.array([*window, 0.05]), 20_001)
    table = order_table(bias, window).set_index("objective")
    assert sorted(table.index) == ["dae", "rcae"]
    np.testing.assert_allclose(table["order"], 2.0, atol=0.05)
    assert (table[["low", "high", "levels"]] == [0.002, 0.006, 4]).to_numpy().all()
    assert (table["discretisation"] < 0.02).all()
    # the predicted error is the whole of it but for the next order
    small = bias[bias["sigma"] == 0.002]
    np.testing.assert_allclose(small["relative_error"], small["predicted"], rtol=0.02)


def test_what_the_leading_term_leaves_is_of_order_four():
    # the mixture has no edge, whose effect would show first
    window = np.array([0.02, 0.03])
    dae = bias_table(MIXTURE, window, 5001).query("objective == 'dae'")
    assert fitted_order(window, dae["remainder"].to_numpy()) == pytest.approx(4, abs=0.05)


@pytest.mark.parametrize(
    ("density", "objective"), [(MIXTURE, "dae"), (PLANAR, "dae"), (MIXTURE, "rcae")]
)
def test_leading_bias_is_the_limit_of_the_scaled_error(density, objective):
    x = np.random.default_rng(2).uniform(-1.4, 1.4, (15, density.dim))
    expected = leading_bias(density, objective, x)

    def scaled(sigma):
        optimum = optimal_field(density, objective, sigma, 100_001)
        return (optimum.score(x) - density.score(x)) / sigma**2

    limit = (4 * scaled(0.003) - scaled(0.006)) / 3  # Richardson: sigma^4 is left
    np.testing.assert_allclose(limit, expected, atol=1e-3 * np.abs(expected).max())
    assert np.abs(scaled(0.006) - expected).max() > np.abs(limit - expected).max()


def test_the_bias_table_measures_what_it_says():
    sigma = 0.1
    table = bias_table(WELLS, np.array([sigma]), 4001).set_index("objective")
    x, weights = WELLS.quadrature(60)

    def halved(objective):
        fine = optimal_field(WELLS, objective, sigma, 4001).score(x)[:, 0]
        coarse = {
            "dae": SmoothedEnergy(WELLS, sigma, order=8).score(x)[:, 0],
            "rcae": ContractiveOptimum1D(WELLS, sigma, 2001).score(x)[:, 0],
        }[objective]
        return weights @ (coarse - fine) ** 2 / (weights @ fine**2)

    for objective in ("dae", "rcae"):
        best = optimal_field(WELLS, objective, sigma, 4001)
        error = (best.score(x) - WELLS.score(x))[:, 0]
        leading = sigma**2 * leading_bias(WELLS, objective, x)[:, 0]
        power = weights @ WELLS.score(x)[:, 0] ** 2
        row = table.loc[objective]
        assert row["relative_error"] == pytest.approx(weights @ error**2 / power)
        assert row["predicted"] == pytest.approx(weights @ leading**2 / power)
        assert row["discretisation"] == pytest.approx(halved(objective), rel=1e-6, abs=0)
        assert row["remainder"] == pytest.approx(weights @ (error - leading) ** 2 / power)
    assert table.loc["dae", "tweedie_gap"] < 1e-10
    assert np.isnan(table.loc["rcae", "tweedie_gap"])
    assert bias_table(MIXTURE, np.array([sigma]), 1001)["tweedie_gap"].isna().all()


def test_the_order_is_fitted_in_its_window_alone():
    sigmas = np.array([0.1, 0.2, 0.4, 0.8])
    table = pd.DataFrame({"objective": "dae", "sigma": sigmas, "discretisation": 1e-6})
    table["relative_error"] = np.where(sigmas < 0.5, sigmas**4, 1.0)
    table["remainder"] = sigmas**6
    found = order_table(table, np.array([0.1, 0.2, 0.4])).iloc[0]
    assert found["order"] == pytest.approx(2)
    assert found["remainder_order"] == pytest.approx(3)
    assert found["discretisation"] == pytest.approx(1e-3 / 0.01)
    assert found["levels"] == 3


# --- curves ------------------------------------------------------------------


def test_curves_hold_everything_that_is_known():
    sigmas = np.array([0.1, 0.3])
    curves = optimum_curves(MIXTURE, sigmas, 101, 2001)
    x = curves["x"][:, None]
    np.testing.assert_allclose(curves["x"][[0, -1]], MIXTURE.bounds[0])
    for level, sigma in enumerate(sigmas):
        smoothed = MIXTURE.smoothed(sigma)
        np.testing.assert_array_equal(curves["log_p_sigma"][level], smoothed.log_prob(x))
        np.testing.assert_array_equal(curves["dae"][level], smoothed.score(x)[:, 0])
        best = ContractiveOptimum1D(MIXTURE, sigma, 2001).score(x)[:, 0]
        np.testing.assert_array_equal(curves["rcae"][level], best)
    np.testing.assert_array_equal(curves["log_prob"], MIXTURE.log_prob(x))
    np.testing.assert_array_equal(curves["score"], MIXTURE.score(x)[:, 0])
    np.testing.assert_array_equal(curves["hessian"], MIXTURE.hessian(x)[:, 0, 0])


def test_curves_of_degenerate_points_hold_what_exists_for_them():
    curves = optimum_curves(DEGENERATE, np.array([0.1]), 31, 101)
    assert curves.keys() == {"x", "sigmas", "log_p_sigma", "dae"}
    np.testing.assert_allclose(curve_grid(DEGENERATE, 31, 0.1)[[0, -1]], [-0.75, 0.75])


# --- the plane, and the whole stage ------------------------------------------

VARIANCES = np.array([0.3, 0.5])
ROUND = GaussianMixture([1], [[0.2, -0.1]], [np.diag(VARIANCES)])


# expectations in the plane are means over these draws
DRAWN = ROUND.sample(4000, generator(0, "expectation")) - ROUND.means
SQUARES = (DRAWN**2).mean(0)


def ratio(gain, squares):
    """E|gain u|^2 / E|u / v|^2 for offsets u from the mean with these mean squares."""
    return (squares * gain**2).sum() / (squares / VARIANCES**2).sum()


def gaussian_error(sigma, squares=SQUARES):
    """E_p|s* - s|^2 / E_p|s|^2 of both optima of `ROUND`: s* = -(x - mean) / (v + sigma^2)."""
    return ratio(sigma**2 / (VARIANCES * (VARIANCES + sigma**2)), squares)


def gaussian_prediction(sigma, squares=SQUARES):
    """The same of the leading term, s + sigma^2 (s . grad) s = -u / v + sigma^2 u / v^2."""
    return ratio(sigma**2 / VARIANCES**2, squares)


def test_the_bias_table_of_a_gaussian_in_the_plane_is_in_closed_form():
    sigmas = np.array([0.1, 0.3])
    table = bias_table(ROUND, sigmas, 201).set_index(["objective", "sigma"])
    assert len(table) == 4
    for (objective, sigma), row in table.iterrows():
        rel = 1e-10 if objective == "dae" else 0.05  # the contractive solve has a grid
        assert row["relative_error"] == pytest.approx(gaussian_error(sigma), rel=rel)
        assert row["predicted"] == pytest.approx(gaussian_prediction(sigma), rel=1e-10)
        assert np.isnan(row["tweedie_gap"])
        assert (row["discretisation"] == 0) == (objective == "dae")
        assert row["discretisation"] < 0.02 * row["relative_error"]


@pytest.mark.parametrize("sigma", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("variances", [[0.3, 0.5], [1.0, 1e-4]], ids=["round", "thin"])
def test_expectations_in_the_plane_are_those_of_p_but_for_chance(variances, sigma):
    variances, angle = np.array(variances), 0.5
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    density = GaussianMixture([1], [[0.2, -0.1]], [turn @ np.diag(variances) @ turn.T])
    row = bias_table(density, np.array([sigma]), 31).iloc[0]
    for name, gain in (
        ("relative_error", sigma**2 / (variances * (variances + sigma**2))),
        ("predicted", sigma**2 / variances**2),
    ):
        above, below = variances * gain**2, 1.0 / variances
        # a ratio of means of 4000 sums of squares z^2, each of variance 2: its relative error is
        # that of the difference of the two, in units of their expectations
        apart = above / above.sum() - below / below.sum()
        error = np.sqrt(2.0 * (apart**2).sum() / 4000)
        # five standard errors: a false alarm in 1.7 million
        assert row[name] == pytest.approx(above.sum() / below.sum(), rel=5 * error)


def test_the_order_in_the_plane_is_two():
    window = np.array([0.03, 0.045, 0.06])
    table = order_table(bias_table(ROUND, window, 401), window).set_index("objective")
    np.testing.assert_allclose(table.loc["dae", "order"], 2, atol=0.02)
    np.testing.assert_allclose(table.loc["rcae", "order"], 2, atol=0.1)
    assert (table["levels"] == 3).all()


@pytest.mark.parametrize("window", [None, [0.2, 0.3], [0.3, 0.6]])
def test_the_stage_solves_the_plane_at_all_levels(window):
    sigmas, points = [0.3, 0.6], 61
    curves, bias, order, losses = solve(ROUND, {"plane_points": points}, sigmas, window)
    assert len(order) == (2 if window else 0)
    pd.testing.assert_frame_equal(losses, loss_table(ROUND, np.array(sigmas), points))
    assert curves.keys() == {"x1", "x2", "sigmas", "rcae"}
    assert curves["rcae"].shape == (2, 2, points, points)
    np.testing.assert_array_equal(curves["sigmas"], sigmas)
    for axis, name in enumerate(("x1", "x2")):
        np.testing.assert_allclose(curves[name][[0, -1]], ROUND.bounds[axis])
    grid = np.meshgrid(curves["x1"] - 0.2, curves["x2"] + 0.1, indexing="ij")
    bulk = (grid[0] ** 2 / 0.3 + grid[1] ** 2 / 0.5) < 9
    for level, sigma in enumerate(sigmas):
        for axis in (0, 1):
            expected = -grid[axis] / (VARIANCES[axis] + sigma**2)
            found = curves["rcae"][level, axis]
            assert np.abs(found - expected)[bulk].max() < 0.03 * np.abs(expected[bulk]).max()
    asked = sorted({*sigmas, *(window or [])})
    for objective, part in bias.groupby("objective"):
        assert sorted(part["sigma"]) == asked
        for row in part.itertuples():
            rel = 1e-10 if objective == "dae" else 0.1
            assert row.relative_error == pytest.approx(gaussian_error(row.sigma), rel=rel)
    # the order is fitted on a grid of half the step
    rcae = bias[bias["objective"] == "rcae"].set_index("sigma")
    for sigma in window or []:
        finer = bias_table(ROUND, np.array([sigma]), 2 * points - 1).iloc[-1]
        assert rcae.loc[sigma, "relative_error"] == finer["relative_error"]


def test_the_stage_solves_a_line_at_its_own_levels_and_those_of_the_window():
    settings = {"sigmas": [0.1, 0.3], "points": 101, "solver_points": 1001}
    curves, bias, order, losses = solve(MIXTURE, settings, None, [0.05, 0.1])
    assert losses.empty
    expected = optimum_curves(MIXTURE, np.array([0.1, 0.3]), 101, 1001)
    assert curves.keys() == expected.keys()
    for name, part in expected.items():
        np.testing.assert_array_equal(curves[name], part)
    pd.testing.assert_frame_equal(bias, bias_table(MIXTURE, np.array([0.05, 0.1, 0.3]), 1001))
    pd.testing.assert_frame_equal(order, order_table(bias, np.array([0.05, 0.1])))


def test_points_have_optima_but_no_bias():
    settings = {"sigmas": [0.1], "points": 31, "solver_points": 101}
    curves, bias, order, losses = solve(DEGENERATE, settings, None, [0.05])
    assert losses.empty
    assert curves["dae"].shape == (1, 31)
    assert bias.empty
    assert order.empty


def test_a_stored_optimum_is_the_one_that_was_solved(tmp_path):
    sigmas = np.geomspace(0.2, 0.8, 3)
    write_arrays(tmp_path / "plane.npz", optimum_plane(PLANAR, sigmas, 51))
    stored = read_arrays(tmp_path / "plane.npz")
    x = PLANAR.sample(50, np.random.default_rng(3))
    for sigma in (0.2, 0.4, 0.8):
        field = stored_optimum(stored, sigma)
        direct = ContractiveOptimum2D.solve(PLANAR, sigma, 51)
        assert field.sigma == sigma
        for part in ("score", "__call__", "jacobian"):
            np.testing.assert_allclose(
                getattr(field, part)(x), getattr(direct, part)(x), rtol=1e-7, atol=1e-7
            )
    assert stored_optimum(stored, 0.3) is None


# --- both optima as the noise falls ------------------------------------------


@pytest.mark.parametrize("name", DENSITIES)
def test_both_optima_approach_each_other_by_half_the_laplacian_of_the_score(name):
    sigmas = np.array([0.003, 0.006])  # below, the edges of the wells' interval show
    table = bias_table(DENSITIES[name], sigmas, 20_001).query("objective=='rcae'")
    ratio = (table["apart"] / table["apart_predicted"]).to_numpy()
    # the next term is sigma^2 times as large
    assert (ratio > 0.97).all()
    assert (1 - ratio[1]) / (1 - ratio[0]) == pytest.approx(4, rel=0.3)
    assert fitted_order(sigmas, table["apart"].to_numpy()) == pytest.approx(2, abs=0.02)
    assert table["extrapolated"].isna().all()  # a line needs none


def test_both_optima_of_a_gaussian_are_the_same_without_the_step():
    table = bias_table(ROUND, np.array([0.1, 0.3]), 201).set_index(["objective", "sigma"])
    for sigma in (0.1, 0.3):
        row = table.loc["rcae", sigma]
        assert row["apart_predicted"] == pytest.approx(0, abs=1e-25)
        # but for what the step leaves, of which there is an estimate
        assert row["apart"] < 4 * row["left"] < 1e-3 * row["extrapolated"]
        assert row["extrapolated"] == pytest.approx(gaussian_error(sigma), rel=1e-3)
        # (dr/dx - I) / sigma^2 is -1 / (v + sigma^2), Hess log p is -1 / v
        error = (sigma**2 / (VARIANCES * (VARIANCES + sigma**2))) ** 2
        expected = error.sum() / (1 / VARIANCES**2).sum()
        assert row["hessian_extrapolated"] == pytest.approx(expected, rel=5e-3)
        assert row["hessian_left"] < 1e-3 * row["hessian_extrapolated"]
        assert np.isnan(table.loc[("dae", sigma), "apart"])


def test_extrapolation_makes_the_contractive_solve_one_of_fourth_order():
    sigma, x = 0.3, ROUND.sample(200, np.random.default_rng(5))
    expected = -(x - ROUND.means) / (VARIANCES + sigma**2)
    fields = [ContractiveOptimum2D.solve(ROUND, sigma, n) for n in (51, 101, 201)]
    errors = [
        np.sqrt(((fine.extrapolated(coarse).score(x) - expected) ** 2).mean())
        for coarse, fine in pairwise(fields)
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.4)
    assert errors[1] < 0.02 * np.sqrt(((fields[2].score(x) - expected) ** 2).mean())


# --- both losses of one reconstruction ----------------------------------------


class Affine(Ripple):
    """r(x) = A x + b."""

    def __init__(self, matrix, offset):
        self.matrix, self.offset = matrix, offset

    def move(self, x):
        return x @ self.matrix.T + self.offset - x

    def jacobian(self, x):
        return np.broadcast_to(self.matrix, (len(x), *self.matrix.shape))


@pytest.mark.parametrize("dim", [2, 10])
@pytest.mark.parametrize("sigma", [0.1, 2.0])
@pytest.mark.parametrize("size", [0.0, 1.0])
def test_affine_reconstructions_have_the_same_losses_however_far_from_the_identity(
    dim, sigma, size
):
    rng = np.random.default_rng(dim)
    field = Affine(size * rng.standard_normal((dim, dim)), rng.standard_normal(dim))
    x = rng.standard_normal((4, dim))
    weights = np.full(4, 0.25)
    # E|A(x + e) + b - x|^2 = E|A x + b - x|^2 + sigma^2 |A|^2
    expected = (field.move(x) ** 2).sum(1).mean() + sigma**2 * (field.matrix**2).sum()
    assert contractive_loss(field, sigma, x, weights) == pytest.approx(expected, rel=1e-12)
    found = denoising_loss(field, sigma, x, weights, order=2)  # exact for a quadratic form
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("sigma", [0.1, 0.3])
def test_the_best_losses_of_a_gaussian_are_those_of_the_wiener_filter(sigma):
    x, weights = plane_rule(ROUND)
    best = DenoisingOptimum(ROUND, sigma)
    expected = (sigma**2 * VARIANCES / (VARIANCES + sigma**2)).sum()
    # the rule leaves out p below a millionth of its maximum
    assert denoising_loss(best, sigma, x, weights) == pytest.approx(expected, rel=1e-4)
    assert contractive_loss(best, sigma, x, weights) == pytest.approx(expected, rel=1e-4)


def test_the_rule_for_the_plane_has_the_moments_of_a_gaussian():
    x, weights = plane_rule(ROUND)
    assert weights.sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(weights @ x, ROUND.means[0], atol=1e-12)
    offset = x - ROUND.means
    covariance = np.einsum("n,ni,nj->ij", weights, offset, offset)
    np.testing.assert_allclose(covariance, np.diag(VARIANCES), atol=1e-4)
    thin = GaussianMixture([0.5, 0.5], [[0, 0], [1, 1]], np.array([np.eye(2) * 1e-6, np.eye(2)]))
    with pytest.raises(ValueError, match=r"must hold a mass of 1, .* too thin"):
        plane_rule(thin)
    assert loss_table(thin, np.array([0.1]), 31).empty


@pytest.mark.parametrize("power", RIPPLES.values())
def test_the_losses_of_a_ripple_part_as_in_closed_form(power):
    length, sigmas = 0.7, np.array([0.02, 0.04, 0.08, 0.16])
    x, weights = plane_rule(ROUND)
    angle, spread = ROUND.means[0] / length, VARIANCES / length**2
    found, expected = [], []
    for sigma in sigmas:
        field = Ripple(sigma, 2, length, power)
        np.testing.assert_allclose(field.jacobian(x[:9]), difference(field, x[:9]), atol=1e-8)
        losses = [f(field, sigma, x, weights) for f in (denoising_loss, contractive_loss)]
        found.append(losses[0] - losses[1])
        # E sin and cos of a Gaussian by its characteristic function, under p and p_sigma
        ratio, steepest = (sigma / length) ** 2, (sigma / length) ** power
        cosine, double = (
            np.cos(angle) * np.exp(-spread / 2),
            np.cos(2 * angle) * np.exp(-2 * spread),
        )
        divergence = 2 * sigma**2 * steepest * cosine * np.expm1(-ratio / 2)
        square = -0.5 * (length * steepest) ** 2 * double * np.expm1(-2 * ratio)
        contraction = 0.5 * (sigma * steepest) ** 2 * (1 + double)
        expected.append((divergence + square - contraction).sum())
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    order = np.polyfit(np.log(sigmas), np.log(np.abs(found)), 1)[0]
    assert order == pytest.approx(2 + 2 * power, abs=0.15)


def test_the_losses_of_both_optima_part_as_the_eighth_power_and_those_of_wrong_fields_sooner():
    sigmas = np.array([0.001, 0.05, 0.1, 3.0])
    table = loss_table(PLANAR, sigmas, 201)
    assert set(table["sigma"]) == {0.05, 0.1}  # within the window
    orders = {
        model: np.log2(np.abs(np.divide(*part["difference"].to_numpy()[::-1])))
        for model, part in table.groupby("model")
    }
    assert orders.keys() == {"dae", "rcae", *RIPPLES}
    assert orders["dae"] == pytest.approx(8, abs=0.5)
    assert orders["rcae"] > 6
    for model, power in RIPPLES.items():
        assert orders[model] == pytest.approx(2 + 2 * power, abs=0.2)
    # no other field here has a smaller denoising loss than the best one
    least = table.groupby("sigma")["denoising"].idxmin()
    assert set(table.loc[least, "model"]) == {"dae"}
