"""Measurements on fields whose answers are known in closed form, or found by other tools."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import brentq
from scipy.special import i0e, i1e

from autoscore.densities.curves import Curve
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.mixtures import GaussianMixture
from autoscore.fields import Field, symmetric_share
from autoscore.geometry import line, plane
from autoscore.geometry.arms import NODES, arm_rows, arm_segments, between_arms, nodes
from autoscore.geometry.curve import beside_curve, direction_table, slopes_along, tangent_table
from autoscore.geometry.fixed_points import find_fixed_points, positions, turning_cells
from autoscore.geometry.potential import (
    asymmetry,
    helmholtz_split,
    potential_gap,
    tied_potential,
)
from autoscore.geometry.reconstruction import (
    compare_with_data,
    energy_correlation,
    estimate_noise,
    local_correlations,
    loss_shortfall,
)
from autoscore.geometry.summary import Points, hessian_error, summary_rows
from autoscore.geometry.windows import grid_points, uniform_points
from autoscore.models.separate.network import Architecture, Separate
from autoscore.nulls import fits
from autoscore.numerics.errors import fitted_order
from autoscore.numerics.errors import fixed_points as fixed_points_1d
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.optimum.rcae_1d import ContractiveOptimum1D

LINE = GaussianMixture([0.4, 0.6], [[-0.5], [0.7]], [[[0.09]], [[0.16]]])
PLANE = GaussianMixture(
    [0.5, 0.5], [[-0.5, 0.0], [0.5, 0.3]], [[[0.2, 0.05], [0.05, 0.1]], [[0.1, 0.0], [0.0, 0.3]]]
)
CIRCLE = Curve(["cos(t)", "sin(t)"], (0.0, 6.283185307179586))
# The triangle's angles are all below 90 degrees: the point furthest from its corners is inside.
TRIANGLE = KernelDensity(np.array([[0.0, 0.0], [1.0, 0.1], [0.4, 0.9]]))
SQUARE = np.array([[-1.0, 1.0], [-1.0, 1.0]])


class Moves(Field):
    """r(x) = x + f(x), with the derivative of f by central differences unless it is given."""

    def __init__(self, move, slope=None, dim=2, sigma=0.1):
        self.move, self.slope, self.dim, self.sigma = move, slope, dim, sigma

    def __call__(self, x):
        return x + self.move(x)

    def jacobian(self, x):
        if self.slope is not None:
            return np.eye(self.dim) + self.slope(x)
        columns = [
            (self.move(x + 1e-5 * axis) - self.move(x - 1e-5 * axis)) / 2e-5
            for axis in np.eye(self.dim)
        ]
        return np.eye(self.dim) + np.stack(columns, axis=-1)


def linear(slope, centre=0.0, sigma=0.1):
    """r(x) - x = A (x - centre)."""
    slope = np.asarray(slope, dtype=float)
    return Moves(
        lambda x: (x - centre) @ slope.T,
        lambda x: np.broadcast_to(slope, (len(x), *slope.shape)),
        len(slope),
        sigma,
    )


def plane_rule():
    """Nodes and weights under PLANE: an even grid, exact for what decays at its ends."""
    x = grid_points(np.array([[-4.0, 4.0], [-4.0, 4.0]]), 61)
    weights = np.exp(PLANE.log_prob(x))
    return x, weights / weights.sum()


def test_windows_are_filled_evenly_or_uniformly():
    window = np.array([[0.0, 1.0], [2.0, 4.0]])
    expected = [[0, 2], [0, 3], [0, 4], [0.5, 2], [0.5, 3], [0.5, 4], [1, 2], [1, 3], [1, 4]]
    np.testing.assert_array_equal(grid_points(window, 3), expected)
    x = uniform_points(window, 2000, np.random.default_rng(0))
    assert ((x > window[:, 0]) & (x < window[:, 1])).all()
    # false alarm once in a billion seeds
    np.testing.assert_allclose(x.mean(0), [0.5, 3.0], atol=6 * 2 / np.sqrt(12 * 2000))


# --- fixed points ------------------------------------------------------------


@pytest.mark.parametrize(
    ("slope", "kind", "growth", "decay", "turning"),
    [
        (np.diag([-0.5, -0.9]), "sink", -0.5, -0.9, 0.0),
        (np.diag([0.5, 0.9]), "source", 0.9, 0.5, 0.0),
        ([[0.0, 0.6], [0.6, 0.0]], "saddle", 0.6, -0.6, 0.0),
        ([[-0.3, 0.8], [-0.8, -0.3]], "sink", -0.3, -0.3, 0.8),
        (np.diag([-0.9, 0.05]), "saddle", 0.05, -0.9, 0.0),
        (np.diag([-0.5, -0.9, -0.01]), "sink", -0.01, -0.9, 0.0),
        (np.diag([-0.5, 0.9, 0.7]), "saddle", 0.9, -0.5, 0.0),
    ],
)
def test_a_fixed_point_is_classified_by_the_eigenvalues(slope, kind, growth, decay, turning):
    dim = len(slope)
    centre = np.array([0.123, -0.31, 0.05])[:dim]
    window = np.tile([[-1.0, 1.0]], (dim, 1))
    table = find_fixed_points(linear(slope, centre), window, grid=6)
    assert len(table) == 1
    row = table.iloc[0]
    np.testing.assert_allclose(positions(table)[0], centre, atol=1e-5)
    assert row["kind"] == kind
    np.testing.assert_allclose(
        row[["growth", "decay", "turning"]].astype(float), [growth, decay, turning], atol=1e-12
    )
    assert row["slowest"] == pytest.approx(min(abs(growth), abs(decay)))
    assert row["slow"] == (row["slowest"] < 0.1)
    assert row["starts"] >= 6**dim
    assert row["extent"] < 1e-4


@pytest.mark.parametrize("sigma", [0.15, 0.02])
def test_three_points_have_sinks_at_them_saddles_and_one_source_between(sigma):
    # at the smaller sigma the source's basin for Newton is some sigma^2 wide
    field = DenoisingOptimum(TRIANGLE, sigma)
    table = find_fixed_points(field, np.array([[-0.5, 1.5], [-0.5, 1.5]]), grid=15)
    assert table["kind"].value_counts().to_dict() == {"sink": 3, "saddle": 3, "source": 1}
    np.testing.assert_allclose(field(positions(table)), positions(table), atol=1e-4 * sigma)
    assert table["x1"].is_monotonic_increasing
    if sigma == 0.02:
        corners = positions(table[table["kind"] == "sink"])
        np.testing.assert_allclose(corners, TRIANGLE.points[[0, 2, 1]], atol=1e-6)
        a, b = TRIANGLE.points[1:] - TRIANGLE.points[0]
        equally_far = np.linalg.solve([a, b], [a @ a / 2, b @ b / 2])
        source = positions(table[table["kind"] == "source"])[0]
        np.testing.assert_allclose(source, equally_far, atol=0.1 * sigma)


def winding(field, window):
    """How often r(x) - x turns around the edge of a window, from very many points on it."""
    t, (low, high) = np.linspace(0.0, 1.0, 40_001), window.T
    square = np.concatenate([np.stack(side, 1) for side in ((t, 0 * t), (0 * t + 1, t))])
    edge = low + (high - low) * np.concatenate([square, 1.0 - square])
    first, second = field.move(edge).T
    angle = np.unwrap(np.arctan2(second, first))
    return round((angle[-1] - angle[0]) / (2 * np.pi))


@pytest.mark.parametrize("sigma", [0.02, 0.05, 0.3])
def test_the_index_of_a_window_is_that_of_the_fixed_points_in_it(sigma):
    field = DenoisingOptimum(TRIANGLE, sigma)
    for window in (
        [[-0.5, 1.5], [-0.5, 1.5]],
        [[0.27, 0.83], [0.2, 0.73]],
        [[0.1, 0.9], [-0.2, 0.3]],
    ):
        window = np.array(window)
        table = find_fixed_points(field, window, grid=15)
        signs = table["kind"].map({"sink": 1, "source": 1, "saddle": -1})
        assert winding(field, window) == signs.sum()
        assert len(turning_cells(field, window, 15)) == len(table)


@pytest.mark.parametrize(("turns", "stable"), [(2, False), (4, True)])
def test_bare_points_leave_the_best_contractive_reconstruction_open(turns, stable):
    """Two reconstructions without any loss, at any sigma: half-way, one repels, one attracts."""
    points, rate = np.array([[-0.5], [0.0], [0.5]]), 2 * np.pi * turns
    field = Moves(lambda x: -np.sin(rate * x) / rate, lambda x: -np.cos(rate * x)[:, :, None], 1)
    for sigma in (0.03, 0.3, 3.0):
        assert line.contractive_loss(field, sigma, points, np.full(3, 1 / 3)) < 1e-28
    x = np.linspace(0.13, 0.37, 100)
    at, kinds = fixed_points_1d(x, field.move(x))
    np.testing.assert_allclose(at, [0.25], atol=1e-6)
    assert list(kinds) == [stable]


def test_fixed_points_on_a_line_agree_with_sign_changes():
    field = DenoisingOptimum(LINE, 0.1)
    x = np.linspace(-2, 2, 4001)
    expected, stable = fixed_points_1d(x, field(x[:, None])[:, 0] - x)
    table = find_fixed_points(field, np.array([[-2.0, 2.0]]))
    np.testing.assert_allclose(table["x1"], expected, atol=1e-5)
    np.testing.assert_array_equal(table["kind"] == "sink", stable)


def test_single_precision_finds_the_same():
    exact = DenoisingOptimum(PLANE, 0.1)
    rounded = Moves(
        lambda x: exact(x.astype(np.float32)).astype(np.float32) - x,
        lambda x: exact.jacobian(x).astype(np.float32) - np.eye(2),
    )
    window = 2 * SQUARE
    found, expected = (find_fixed_points(field, window, grid=15) for field in (rounded, exact))
    assert len(expected) > 1
    columns = ["x1", "x2", "kind", "growth", "decay", "slow"]
    pd.testing.assert_frame_equal(found[columns], expected[columns], check_dtype=False, atol=1e-5)


def test_a_circle_of_fixed_points_is_slow_all_along():
    field = Moves(lambda x: 0.25 * (1 - (x**2).sum(1, keepdims=True)) * x)
    table = find_fixed_points(field, 1.5 * SQUARE, grid=20)
    radius = np.hypot(table["x1"], table["x2"])
    centre, circle = table[radius < 0.5], table[radius > 0.5]
    assert centre[["kind", "slow"]].to_numpy().tolist() == [["source", False]]
    np.testing.assert_allclose(radius[radius > 0.5], 1.0, atol=1e-4)
    assert circle["slow"].all()
    np.testing.assert_allclose(circle["decay"], -0.5, atol=1e-3)
    # together they cover much of it, or they are one that is as long as the circle is wide
    assert len(circle) > 10 or circle["extent"].max() > 1.9


def test_fixed_points_outside_the_window_and_near_misses_are_left_out():
    outside = find_fixed_points(linear(-np.eye(2), np.array([1.5, 0.0])), SQUARE, grid=5)
    drifting = Moves(lambda x: np.stack([x[:, 0] ** 2 + 1e-3, -x[:, 1]], axis=1))
    for table in (outside, find_fixed_points(drifting, SQUARE, grid=9)):
        assert len(table) == 0
        assert {"x1", "x2", "kind", "growth", "slow", "residual"} <= set(table.columns)


@pytest.mark.parametrize("window", [[[-1.0, 1.0]], [[-1.0, 1.0], [1.0, 1.0]]])
def test_a_window_that_does_not_fit_is_refused(window):
    with pytest.raises(ValueError, match="window must be"):
        find_fixed_points(linear(-np.eye(2)), np.array(window))


# --- direction ---------------------------------------------------------------


@pytest.mark.parametrize(("angle", "cosine"), [(0.0, 1.0), (np.pi, -1.0), (1.1, np.cos(1.1))])
def test_the_cosine_is_between_the_move_and_the_way_to_the_curve(angle, cosine):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    field = Moves(lambda x: (x / np.linalg.norm(x, axis=1, keepdims=True) - x) @ turn.T)
    x = beside_curve(CIRCLE, np.array([0.1, 0.3]), 40, np.random.default_rng(0))
    table = direction_table({"turned": field}, CIRCLE, x, np.array([0.0, 0.2, 0.4]))
    np.testing.assert_allclose(table[["cosine", "cosine_low"]], cosine, atol=1e-3)
    np.testing.assert_allclose(table["distance"], [0.1, 0.3], atol=1e-6)
    assert table["points"].tolist() == [40, 40]


def test_points_beside_a_curve_in_space_are_across_it():
    helix = Curve(["cos(t)", "sin(t)", "0.5 * t"], (0.0, 6.0))
    x = beside_curve(helix, np.array([1e-3]), 50, np.random.default_rng(0))
    distance = np.linalg.norm(helix.nearest(x, 200_001) - x, axis=1)
    np.testing.assert_allclose(distance, 1e-3, rtol=1e-2)


def test_slopes_are_taken_at_even_distances_along_a_curve():
    """A quarter of a circle, run through ever faster: angles are even where t is not."""
    quarter = Curve(["cos(t**2)", "sin(t**2)"], (0.0, np.sqrt(np.pi / 2)))
    arrays = slopes_along(quarter, {"exact": linear([[-0.5, 2.0], [0.0, -1.0]])})
    angles = np.arctan2(*arrays["along"].T[::-1])
    count = len(angles)
    np.testing.assert_allclose(angles, np.pi / 2 * (np.arange(count) + 0.5) / count, atol=1e-6)
    np.testing.assert_array_equal(arrays["slope_exact"], [[[0.5, 2.0], [0.0, 0.0]]] * count)
    np.testing.assert_allclose(np.linalg.norm(arrays["line"], axis=1), 1.0)


def test_directions_are_summarised_by_distance():
    exact = DenoisingOptimum(CIRCLE, 0.3)
    away = Moves(lambda x: x - exact(x))
    x = np.random.default_rng(1).uniform(-1.4, 1.4, (400, 2))
    edges = np.array([0.0, 0.05, 0.2, 0.21, 0.3])
    table = direction_table({"exact": exact, "away": away}, CIRCLE, x, edges, (0.1, 0.8))
    radius = np.linalg.norm(x, axis=1)
    distance, move = np.abs(radius - 1), exact(x) - x
    outward = (move * x).sum(1) / radius / np.linalg.norm(move, axis=1)
    cosine = np.where(radius < 1, outward, -outward)
    for sign, (_, part) in zip((1, -1), table.groupby("field", sort=False), strict=True):
        for row in part.itertuples():
            inside = (distance > row.low) & (distance <= row.high)
            assert row.points == inside.sum() > 0
            assert row.distance == pytest.approx(distance[inside].mean())
            assert row.cosine == pytest.approx(sign * cosine[inside].mean(), abs=1e-3)
            quantiles = np.quantile(sign * cosine[inside], [0.1, 0.8])
            np.testing.assert_allclose([row.cosine_low, row.cosine_high], quantiles, atol=1e-3)
    assert table["field"].tolist() == ["exact"] * 4 + ["away"] * 4
    # r leads to a smaller circle: just inside the curve it points away from it
    assert table["cosine"][0] < 0.9 < table["cosine"][3]


def test_segments_of_a_circle_are_its_diameters():
    segments = arm_segments(CIRCLE, 12)
    assert len(segments) == 12  # to the outside nothing comes
    np.testing.assert_allclose(segments.mean(1), 0, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(segments, axis=-1), 1, atol=1e-4)


def test_segments_of_a_spiral_run_to_the_next_arm_and_no_farther():
    """Those of r = a t are 2 pi a long, less what the normal is askew to the next arm."""
    spiral = Curve(["0.04*t*sin(t)", "0.04*t*cos(t)"], (20.0, 40.0))
    segments = arm_segments(spiral, 30)
    hollow = np.linalg.norm(segments.mean(1), axis=1) < 0.8  # inside of all arms
    assert hollow.sum() < 5 < 30 < len(segments)
    segments = segments[~hollow]
    length = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
    np.testing.assert_allclose(length, 0.08 * np.pi, rtol=2e-3)
    for end in (segments[:, 0], segments[:, 1]):
        np.testing.assert_allclose(spiral.nearest(end, 200_001), end, atol=1e-4)
    assert len(arm_segments(Curve(["t", "0.1*t"], (0.0, 1.0)), 10)) == 0  # a line has one arm


HALF_WAY = np.stack([np.linspace(-2, 2, 9)] * 2, axis=1)[..., None] * [1.0, 0.0]
LINES = HALF_WAY + np.array([[0.0, -1.0], [0.0, 1.0]])  # segments from y = -1 to y = 1


def between_lines(move):
    """Rows of a field with vertical moves ``move(y)`` between two lines, by quantity and band."""
    x = nodes(LINES)
    y = x[..., 1]
    assert y.shape == (9, NODES)
    way, moves = (np.stack([0 * y, up], axis=-1) for up in (np.sign(y) - y, move(y)))
    rows = pd.DataFrame(between_arms(moves, LINES, way))
    return rows.set_index(["quantity", "low"])["value"]


@pytest.mark.parametrize("log_ratio", [0.0, 0.7, -1.5])
@pytest.mark.parametrize("sigma", [0.1, 0.4, 0.7])
def test_the_source_between_two_lines_is_where_theory_has_it(sigma, log_ratio):
    """E[x | y] of two lines with densities w1, w2 is tanh(y / sigma^2 + log(w2 / w1) / 2)."""

    def move(y):
        return np.tanh(y / sigma**2 + log_ratio / 2) - y

    found = between_lines(move)
    # the field rises between these two places: there it changes sides, or nowhere
    rise = np.arctanh(np.sqrt(1 - sigma**2))
    low, high = (sigma**2 * (sign * rise - log_ratio / 2) for sign in (-1, 1))
    if move(low) * move(high) > 0:
        assert (sigma, log_ratio) == (0.7, -1.5)
        assert found["one_source", np.nan] == 0
        return
    assert found["one_source", np.nan] == 1
    root = brentq(move, low, high)
    if sigma < 0.3:  # leading order
        assert root == pytest.approx(-(sigma**2) * log_ratio / 2, rel=0.02)
    # by lines between nodes, off by half their distance where the field is a step
    within = 0.5 / NODES if sigma < 0.3 else 1e-3
    assert found["source_offset", np.nan] == pytest.approx(abs(root) / 2, abs=within)
    y = nodes(LINES)[0, :, 1]
    wrong, last = (y * root > 0) & (np.abs(y) < abs(root)), np.abs(y) < 0.2
    assert found["towards", 0.8] == pytest.approx(1 - (wrong & last).sum() / last.sum())


def test_no_source_is_counted_where_noise_is_wider_than_half_the_distance():
    found = between_lines(lambda y: np.tanh(y / 1.05**2) - y)
    assert found["one_source", np.nan] == 0
    assert ("source_offset", np.nan) not in found.index
    np.testing.assert_array_equal(found["cosine"], -1)  # it points to half-way


@pytest.mark.parametrize(
    "move",
    [lambda y: -np.sin(np.pi * y), lambda y: np.sin(3 * np.pi * y), lambda y: 1.0 + 0 * y],
    ids=["sink", "three", "none"],
)
def test_other_changes_of_sides_are_no_single_source(move):
    assert between_lines(move)["one_source", np.nan] == 0


@pytest.mark.parametrize("angle", [0.0, 1.0, np.pi / 2])
def test_the_cosine_between_arms_is_that_of_the_angle(angle):
    x = nodes(LINES)
    way = np.stack([0 * x[..., 1], np.sign(x[..., 1]) - x[..., 1]], axis=-1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    rows = pd.DataFrame(between_arms(way @ turn, LINES, way))
    rows = rows[rows["quantity"] == "cosine"]
    np.testing.assert_allclose(rows["value"], np.cos(angle), atol=1e-12)
    assert rows["points"].tolist() == [9 * NODES // 5] * 5
    np.testing.assert_allclose(rows["high"] - rows["low"], 0.2)


def test_the_exact_field_of_a_circle_has_its_source_in_the_centre_and_null_models_none():
    stack = Separate(2, {"hidden": (4,)}, [0.2], [3], [50], [[0.0, 0.0]], [1.0])
    stack.theta = torch.zeros(1, sum(np.prod(shape) for shape in stack.shapes().values()))
    learned = {("dae", "separate", "samples"): stack}
    rng = np.random.default_rng(0)
    data = {
        "train": CIRCLE.sample(200, rng).reshape(4, 50, 2),
        "validation": CIRCLE.sample(50, rng),
    }
    fitted = fits(CIRCLE, data, {"hidden": (32,), "residual": "none"}, (2,))
    table = pd.DataFrame(arm_rows(CIRCLE, learned, fitted, [0.1, 0.2]))
    value = table.groupby(["model", "sigma", "quantity"])["value"].agg(list)
    for sigma in (0.1, 0.2):
        assert value["exact", sigma, "one_source"] == [1]
        assert max(value["exact", sigma, "source_offset"]) < 1e-3
        assert min(value["exact", sigma, "cosine"][1:]) > 0.999
    assert value["gaussian", 0.2, "one_source"] == [0]
    assert max(value["gaussian", 0.2, "cosine"][:4]) < -0.9  # to the centre
    assert set(value["identity", 0.2, "cosine"]) == {0}  # what moves nothing points nowhere
    assert min(value["kde", 0.2, "cosine"][1:]) > 0.9
    assert set(table["model"]) == {
        "exact", "separate", "identity", "gaussian", "kde", "untrained",
    }  # fmt: skip
    own = table[table["model"] == "separate"]
    assert set(zip(own["sigma"], own["seed"], own["n"], strict=True)) == {(0.2, 3, 50)}


def test_a_point_on_the_curve_has_no_direction():
    x = np.array([[1.0, 0.0], [1.3, 0.0]])
    table = direction_table(
        {"exact": DenoisingOptimum(CIRCLE, 0.1)}, CIRCLE, x, np.array([0.0, 0.1, 0.5])
    )
    assert table[["low", "points"]].to_numpy().tolist() == [[0.1, 1.0]]


# --- reconstruction error ----------------------------------------------------


def test_the_reconstruction_error_orders_points_as_an_energy_or_the_other_way_round():
    gaussian = GaussianMixture([1.0], [[0.0, 0.0]], [np.eye(2)])
    x = np.random.default_rng(0).uniform(-2, 2, (200, 2))
    assert energy_correlation(linear(-np.eye(2)), gaussian, x) == pytest.approx(1)
    far = Moves(lambda x: x / (x**2).sum(1, keepdims=True))
    assert energy_correlation(far, gaussian, x) == pytest.approx(-1)


def test_around_a_source_the_reconstruction_error_falls_where_the_energy_rises():
    field = DenoisingOptimum(TRIANGLE, 0.1)
    fixed = find_fixed_points(field, np.array([[-0.2, 1.2], [-0.2, 1.1]]), grid=15)
    rng, centres = np.random.default_rng(0), positions(fixed)
    fixed["found"] = local_correlations(field, field.smoothed, centres, rng, 500)
    kinds = fixed.groupby("kind")["found"]
    assert kinds.count().to_dict() == {"sink": 3, "saddle": 3, "source": 1}
    assert kinds.min()["sink"] > 0.9
    assert kinds.max()["source"] < -0.5


def test_points_are_compared_with_quantiles_of_the_data():
    rng = np.random.default_rng(0)
    field = DenoisingOptimum(TRIANGLE, 0.1)
    data, x = field.smoothed.sample(500, rng), rng.uniform(-0.5, 1.5, (300, 2))
    table = compare_with_data(field, field.smoothed, x, data, 0.3, 0.05)
    error = ((field(x) - x) ** 2).sum(1)
    data_error = np.sort(((field(data) - data) ** 2).sum(1))
    better_than = np.searchsorted(data_error, error)
    np.testing.assert_array_equal(table["low_error"], better_than <= 0.3 * 499)
    rarer_than = np.searchsorted(np.sort(field.smoothed.log_prob(data)), field.smoothed.log_prob(x))
    np.testing.assert_array_equal(table["low_density"], rarer_than <= 0.05 * 499)
    assert table["low_error"].any()
    assert not table["low_error"].all()


# --- Hessian -----------------------------------------------------------------


def test_the_hessian_error_is_relative_squared_and_weighted():
    gaussian = GaussianMixture([1.0], [[0.0, 0.0]], [np.diag([0.5, 0.25])])
    # Hess log p = diag(-2, -4); the estimate is off by x1 in one entry
    field = Moves(
        lambda x: x,
        lambda x: 0.01 * (np.diag([-2.0, -4.0]) + x[:, :1, None] * np.array([[0, 1], [0, 0]])),
    )
    x, weights = np.array([[1.0, 5.0], [2.0, 5.0]]), np.array([0.25, 0.75])
    assert hessian_error(field, gaussian, x, weights) == pytest.approx(3.25 / 20)


def test_the_hessian_of_the_optimum_is_exact_for_p_sigma_and_of_second_order_for_p():
    x, weights = LINE.quadrature()
    sigmas = np.array([0.01, 0.02])
    fields = [DenoisingOptimum(LINE, sigma) for sigma in sigmas]
    assert hessian_error(fields[1], fields[1].smoothed, x, weights) < 1e-20
    errors = np.array([hessian_error(field, LINE, x, weights) for field in fields])
    assert fitted_order(sigmas, errors) == pytest.approx(2, abs=0.05)


def test_eigenvalues_on_a_circle_are_those_of_bessel_functions():
    # log p_sigma = -(rho^2 + 1) / (2 sigma^2) + log I0(rho / sigma^2), and r = (I1 / I0) x / rho
    sigma, t = 0.3, np.linspace(0.1, 6.0, 7)
    field = DenoisingOptimum(CIRCLE, sigma)
    ratio = i1e(1 / sigma**2) / i0e(1 / sigma**2)
    across = (1 - ratio**2) / sigma**2 - ratio
    table = tangent_table({"exact": field}, CIRCLE, t)
    np.testing.assert_allclose(table["eigenvalue"], ratio, rtol=1e-9)
    np.testing.assert_allclose(table["second"], across, rtol=1e-7)
    np.testing.assert_allclose(table["cosine"], 1.0, atol=1e-9)
    np.testing.assert_array_equal(table["t"], t)


def test_the_leading_direction_is_that_of_the_symmetric_part():
    shear = linear([[0.0, 0.0], [0.5, 0.0]])
    table = tangent_table({"shear": shear}, CIRCLE, np.array([0.0, np.pi / 4]))
    np.testing.assert_allclose(table["eigenvalue"], 1.25)
    # its leading direction is (1, 1); the tangents are (0, 1) and (-1, 1)
    np.testing.assert_allclose(table["cosine"], [np.sqrt(0.5), 0.0], atol=1e-12)


# --- gradient and rotation ---------------------------------------------------


def test_a_gradient_is_a_gradient_at_second_order():
    # r - x is the gradient of exp(x1) cos(2 x2)
    field = Moves(
        lambda x: np.exp(x[:, :1]) * np.stack([np.cos(2 * x[:, 1]), -2 * np.sin(2 * x[:, 1])], 1)
    )
    window, cells = np.array([[-1.0, 1.0], [0.0, 1.5]]), np.array([20, 40, 80])
    splits = [helmholtz_split(field, window, n) for n in cells]
    share = np.array([split.fraction for split in splits])
    assert fitted_order(1 / cells, share) == pytest.approx(2, abs=0.1)
    assert share[-1] < 1e-7
    x1, x2 = -1 + (np.arange(80) + 0.5) / 40, 1.5 * (np.arange(80) + 0.5) / 80
    potential = np.exp(x1)[:, None] * np.cos(2 * x2)
    np.testing.assert_allclose(splits[-1].potential, potential - potential.mean(), atol=1e-3)
    energy_density = np.exp(2 * x1)[:, None] * (np.cos(2 * x2) ** 2 + 4 * np.sin(2 * x2) ** 2)
    assert splits[-1].gradient == pytest.approx(energy_density.mean() * 3, rel=0.02)


def test_a_flow_that_stays_inside_is_all_rotation():
    # the curl of (1 - x1^2) (1 - x2^2) exp(x1), which vanishes on the edge
    def curl(x):
        first, second = x.T
        return np.exp(first)[:, None] * np.stack(
            [
                -2 * second * (1 - first**2),
                -(1 - second**2) * (1 - 2 * first - first**2),
            ],
            axis=1,
        )

    cells = np.array([20, 40, 80])
    splits = [helmholtz_split(Moves(curl), SQUARE, n) for n in cells]
    gradient = np.array([1 - split.fraction for split in splits])
    assert gradient[-1] < 1e-6
    assert fitted_order(1 / cells, gradient) == pytest.approx(2, abs=0.1)


def test_the_rotational_part_of_a_rotation_in_a_square_is_its_torsion_constant():
    # Saint-Venant: the least integral of |(-x2, x1) + grad phi|^2 is the bar's torsion constant
    odd = np.arange(1, 200, 2)
    torsion = 16 * (1 / 3 - 64 / np.pi**5 * (np.tanh(odd * np.pi / 2) / odd**5).sum())
    split = helmholtz_split(linear([[0.0, -1.0], [1.0, 0.0]]), SQUARE, 200)
    assert split.fraction == pytest.approx(torsion / (8 / 3), rel=0.01)
    assert split.rotational == pytest.approx(torsion, rel=0.02)


def test_the_discrete_parts_are_the_least_squares_ones():
    rng = np.random.default_rng(0)
    cells, size = 5, np.array([2.0, 3.0]) / 5
    window = np.array([[-1.0, 1.0], [0.0, 3.0]])
    flows = []

    def record(x):
        flows.append(rng.standard_normal(x.shape))
        return flows[-1]

    split = helmholtz_split(Moves(record), window, cells)
    step = np.diff(np.eye(cells), axis=0)
    operator = np.concatenate(
        [np.kron(step, np.eye(cells)) / size[0], np.kron(np.eye(cells), step) / size[1]]
    )
    flow = np.concatenate([flows[0][:, 0], flows[1][:, 1]])
    exact = np.linalg.lstsq(operator, flow, rcond=None)[0]
    np.testing.assert_allclose(split.potential.ravel(), exact, atol=1e-12)
    rest = ((flow - operator @ exact) ** 2).sum() * size.prod()
    assert split.rotational == pytest.approx(rest, rel=1e-12)
    assert split.gradient + split.rotational == pytest.approx((flow**2).sum() * size.prod())


def test_norm_and_curl_are_mapped_with_the_first_coordinate_first():
    field = Moves(lambda x: np.stack([np.zeros(len(x)), x[:, 0] ** 2], axis=1), sigma=0.5)
    arrays = plane.maps(PLANE, {"exact": field}, [SQUARE])
    x1 = np.repeat(np.linspace(-1, 1, plane.PIXELS)[:, None], plane.PIXELS, axis=1)
    np.testing.assert_allclose(arrays["curl_0_exact"], 2 * x1 / 0.25, atol=1e-8)
    np.testing.assert_allclose(arrays["norm_0_exact"], x1**2)


def test_asymmetry_is_weighted_by_how_much_there_is():
    # squared skew parts 2 and 0, squared norms 4 and 20, squared traces 4 and 36
    slopes = np.array([[[1.0, -1.0], [1.0, 1.0]], [[2.0, 0.0], [0.0, 4.0]]])
    weights = np.array([0.5, 0.5])
    assert asymmetry(slopes, weights) == pytest.approx(2 / 24)
    assert asymmetry(slopes, weights, traceless=True) == pytest.approx(2 / 4)
    assert asymmetry(slopes, np.array([1.0, 0.0])) == pytest.approx(0.5)
    exact = DenoisingOptimum(PLANE, 0.3).jacobian(1.0 * SQUARE)
    assert asymmetry(exact, weights, traceless=True) < 1e-30


@pytest.mark.parametrize("dim", [2, 5])
def test_random_matrices_have_the_documented_asymmetry(dim):
    slopes = np.random.default_rng(0).standard_normal((20_000, dim, dim))
    weights = np.full(len(slopes), 1 / len(slopes))
    share = 1 - asymmetry(slopes, weights)
    assert share == pytest.approx((dim + 1) / (2 * dim), abs=0.01)
    assert symmetric_share(slopes).mean() == pytest.approx(share, abs=0.01)
    expected = dim / (2 * (dim + 1))
    skew = asymmetry(slopes + 7 * np.eye(dim), weights, traceless=True)
    assert skew == pytest.approx(expected, abs=0.01)


# --- the noise level ---------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.1, 0.4])
def test_sigma_is_estimated_in_two_exact_ways_and_one_with_a_known_bias(sigma):
    field = DenoisingOptimum(PLANE, sigma)
    rng = np.random.default_rng(0)
    x = PLANE.sample(20_000, rng)
    table = estimate_noise(field, x, rng.standard_normal(x.shape)).set_index("estimator")
    assert (table["truth"] == sigma).all()
    # false alarm once in a million seeds for each
    gap = (table["sigma"] - sigma).abs() / table["standard_error"]
    assert (gap[["loss_and_move", "divergence"]] < 5).all()
    assert (table["standard_error"] < 0.02 * sigma).all()
    x = grid_points(np.array([[-4.0, 4.0], [-4.0, 4.0]]), 61)
    weights = np.exp(field.smoothed.log_prob(x))
    power = weights @ (field.smoothed.score(x) ** 2).sum(1) / weights.sum()
    biased = np.sqrt(sigma**2 - sigma**4 * power / 2)
    assert abs(table.loc["loss", "sigma"] - biased) < 5 * table.loc["loss", "standard_error"]
    assert table.loc["loss", "sigma"] < sigma - 5 * table.loc["loss", "standard_error"]


def test_from_clean_points_sigma_is_right_to_leading_order():
    x = np.linspace(-3, 4, 20_001)
    mass = np.cumsum(np.exp(LINE.log_prob(x[:, None])))
    points = np.interp((np.arange(20_000) + 0.5) / 20_000, mass / mass[-1], x)[:, None]
    sigmas, errors = np.array([0.05, 0.07, 0.1]), []
    noise = np.random.default_rng(0).standard_normal(points.shape)
    for sigma in sigmas:
        table = estimate_noise(DenoisingOptimum(LINE, sigma), points, noise)
        found = table.set_index("estimator").loc["clean_divergence", "sigma"]
        errors.append((found / sigma - 1) ** 2)
    assert fitted_order(sigmas, np.array(errors)) == pytest.approx(2, abs=0.2)


def test_standard_errors_are_the_spread_of_repeated_estimates():
    field, rng = DenoisingOptimum(PLANE, 0.3), np.random.default_rng(3)
    drawn = [(PLANE.sample(300, rng), rng.standard_normal((300, 2))) for _ in range(200)]
    tables = pd.concat([estimate_noise(field, *points) for points in drawn])
    grouped = tables.groupby("estimator")
    ratio = grouped["standard_error"].mean() / grouped["sigma"].std()
    # the spread of 200 is known to 5%: false alarm about once in 10^5 seeds
    np.testing.assert_allclose(ratio, 1.0, atol=0.25)


def test_a_ratio_that_is_the_same_at_all_points_has_no_standard_error():
    # f = 0.09 / x has f^2 = -0.09 f'
    field = Moves(lambda x: 0.09 / x, lambda x: -0.09 / x[:, :, None] ** 2, dim=1)
    table = estimate_noise(field, np.linspace(1, 2, 50)[:, None], np.ones((50, 1)))
    found = table.set_index("estimator").loc[["divergence", "clean_divergence"]]
    np.testing.assert_allclose(found["sigma"], 0.3, rtol=1e-12)
    np.testing.assert_allclose(found["standard_error"], 0.0, atol=1e-14)


def test_a_field_that_pushes_apart_has_no_noise_level():
    table = estimate_noise(linear(np.eye(2)), np.ones((5, 2)), np.ones((5, 2)))
    missing = table["estimator"][table["sigma"].isna()]
    assert missing.tolist() == ["divergence", "clean_divergence"]


@pytest.mark.parametrize("share", [1.0, 0.5, 2.0])
def test_the_loss_shortfall_equals_the_move_only_for_the_best_reconstruction(share):
    # log p of a Gaussian is a parabola, and its posterior mean goes the way -x / 2
    x = np.random.default_rng(0).standard_normal((100_000, 1))
    noise = np.random.default_rng(1).standard_normal(x.shape)
    found = loss_shortfall(linear(-0.5 * share * np.eye(1), sigma=1.0), x, noise)
    assert found == pytest.approx(2 / share - 1, abs=0.02)


# --- losses ------------------------------------------------------------------


def losses_of(fields, nodes=60):
    """Both losses of fields at their noise levels, on the line."""
    x, weights = LINE.quadrature(nodes)
    rows = [
        {"sigma": sigma} | line.both_losses(field, sigma, line.noisy_pairs(x, weights, sigma))
        for sigma, field in fields
    ]
    return pd.DataFrame(rows)


def order_of(table):
    """The order in which both losses part."""
    return np.polyfit(np.log(table["sigma"]), np.log(table["difference"].abs()), 1)[0]


def test_noisy_pairs_have_the_moments_of_points_and_noise():
    x, weights = np.array([[-1.0], [0.5]]), np.array([0.25, 0.75])
    pairs = line.noisy_pairs(x, weights, 0.7)
    np.testing.assert_allclose(pairs.joint.sum(0), weights)
    error = pairs.y - x[:, 0]
    for power, moment in ((1, 0.0), (2, 0.7**2), (3, 0.0), (4, 3 * 0.7**4)):
        assert (pairs.joint * error**power).sum() == pytest.approx(moment, abs=1e-12)


def test_noisy_pairs_of_the_plane_are_refused():
    with pytest.raises(ValueError, match="d = 1, not 2"):
        line.noisy_pairs(np.zeros((3, 2)), np.ones(3) / 3, 0.1)


def test_both_losses_of_a_linear_reconstruction_are_the_same():
    field, sigma = linear(np.array([[0.8]])), 0.7
    x, weights = np.array([[-1.0], [0.3], [2.0]]), np.array([0.2, 0.5, 0.3])
    expected = weights @ (0.8 * x[:, 0]) ** 2 + sigma**2 * 1.8**2
    found = line.both_losses(field, sigma, line.noisy_pairs(x, weights, sigma))
    assert found["contractive"] == pytest.approx(expected)
    assert found["denoising"] == pytest.approx(expected, rel=1e-12)
    assert found["difference"] == pytest.approx(0, abs=1e-12)


def test_the_losses_of_the_optima_differ_far_less_than_they_are():
    table = losses_of([(s, DenoisingOptimum(LINE, s)) for s in (0.03, 0.04, 0.05)])
    np.testing.assert_allclose(table["denoising"] / table["sigma"] ** 2, 1.0, rtol=0.1)
    # the coefficient of sigma^6 is an integral of div(p lap s)
    assert order_of(table) == pytest.approx(8, abs=0.25)


def test_the_losses_of_the_contractive_optima_differ_as_little():
    fields = [(s, ContractiveOptimum1D(LINE, s, 20_001)) for s in (0.03, 0.04, 0.05)]
    assert order_of(losses_of(fields)) > 7


def test_the_losses_differ_in_the_sixth_order_when_another_field_is_approached():
    def slope(x):
        return 2 * np.cos(2 * x)[:, :, None]

    def field(sigma):
        return Moves(lambda x: sigma**2 * np.sin(2 * x), lambda x: sigma**2 * slope(x), dim=1)

    table = losses_of([(sigma, field(sigma)) for sigma in (0.02, 0.03, 0.04)])
    assert order_of(table) == pytest.approx(6, abs=0.05)
    # lap div v + v . lap v of v = sin 2x
    x, weights = LINE.quadrature(60)
    coefficient = weights @ (-8 * np.cos(2 * x) - 4 * np.sin(2 * x) ** 2)[:, 0]
    np.testing.assert_allclose(table["difference"] / table["sigma"] ** 6, coefficient, rtol=0.02)


def test_the_losses_of_a_fixed_reconstruction_differ_as_much_as_they_contract():
    fixed = DenoisingOptimum(LINE, 0.5)
    table = losses_of([(sigma, fixed) for sigma in (0.01, 0.02, 0.04)])
    assert order_of(table) == pytest.approx(2, abs=0.02)
    # lap r is 0.5^2 times the Laplacian of the score
    x, weights = LINE.quadrature(60)
    move, bend = fixed(x) - x, 0.25 * fixed.smoothed.score_laplacian(x)
    coefficient = weights @ (move * bend).sum(1)
    assert table["difference"][0] / 0.01**2 == pytest.approx(coefficient, rel=0.01)


@pytest.mark.parametrize("sigma", [0.02, 0.1, 1.0])
def test_the_excess_denoising_loss_is_the_score_matching_loss(sigma):
    pairs = line.noisy_pairs(*LINE.quadrature(60), sigma)
    best = DenoisingOptimum(LINE, sigma)(pairs.y)
    other = Moves(np.sin, np.cos, 1)(pairs.y)
    assert line.matching_gap(other, best, pairs) < 1e-9
    # to a field that is not the best there is no such relation
    worse = DenoisingOptimum(LINE, 2 * sigma)(pairs.y)
    assert line.matching_gap(other, worse, pairs) > 1e-3


# --- the energy of tied weights ----------------------------------------------


def test_the_gap_is_relative_to_the_largest_difference():
    # a potential that is off by a tenth
    x, y = np.zeros((3, 2)), np.array([[1.0, 0.0], [0.0, 2.0], [0.5, 0.5]])

    def potential(points):
        return -0.45 * (points**2).sum(1)

    gap = potential_gap(linear(-np.eye(2)), potential, x, y)
    assert gap == pytest.approx(0.2 / 1.8)


def test_potentials_do_not_overflow():
    parts = np.array([[1e3, 0.0]]), np.zeros(1), np.zeros(2)
    x = np.array([[5.0, 0.0], [-5.0, 0.0]])
    soft = tied_potential(*parts, x, "sigmoid") + 12.5
    np.testing.assert_allclose(soft, [5e3, 0.0])
    cosh = tied_potential(*parts, x, "tanh") + 12.5
    np.testing.assert_allclose(cosh, 5e3 - np.log(2))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize("residual", ["none", "sigma", "score"])
def test_the_potential_of_a_standardised_separate_is_the_path_integral_of_its_field(
    residual, activation
):
    separate = Separate(
        2,
        Architecture((9,), tied=True, residual=residual, activation=activation),
        [0.3],
        [0],
        [100.0],
        [[0.4, -1.0]],
        [1.7],
    )
    rng = np.random.default_rng(2)
    separate.initialise(torch.tensor(rng.standard_normal((1, 20, 2))), [rng])
    separate.theta = separate.theta + 0.3 * torch.tensor(rng.standard_normal(separate.theta.shape))
    named = {name: part[0].numpy() for name, part in separate.views(separate.theta).items()}

    def potential(x):
        return 1.7**2 * tied_potential(
            named["encoder.0.weight"].T,
            named["encoder.0.bias"][0],
            named["decoder.bias"][0],
            (x - [0.4, -1.0]) / 1.7,
            activation,
            sigma=0.3 / 1.7,
            residual=residual,
        )

    x, y = rng.standard_normal((2, 25, 2))
    field = separate.field(0.3, 0, 100.0)
    assert potential_gap(field, potential, x, y, nodes=80) < 1e-9
    turn = 0.1 * np.array([[0.0, 1.0], [-1.0, 0.0]])
    rotated = Moves(lambda x: field.move(x) + x @ turn, sigma=0.3)
    assert potential_gap(rotated, potential, x, y, nodes=80) > 1e-3
    columns = [(potential(x + 1e-5 * a) - potential(x - 1e-5 * a)) / 2e-5 for a in np.eye(2)]
    np.testing.assert_allclose(np.stack(columns, axis=1), field(x) - x, atol=1e-7)


@pytest.mark.parametrize(
    ("activation", "residual", "message"),
    [("relu", "none", "activation must be"), ("tanh", "both", "residual must be")],
)
def test_unknown_networks_have_no_potential(activation, residual, message):
    with pytest.raises(ValueError, match=message):
        tied_potential(
            np.eye(2), np.zeros(2), np.zeros(2), SQUARE, activation, sigma=1.0, residual=residual
        )


# --- null models -------------------------------------------------------------


def test_null_models_have_every_quantity_that_is_defined_for_them():
    """A Gaussian's are those of its closed form; what moves nothing has hardly any."""
    target = GaussianMixture([1.0], [[0.0, 0.0]], [np.diag([1.0, 0.25])])
    rng = np.random.default_rng(4)
    data = {"train": target.sample(8000, rng).reshape(2, 4000, 2)}
    data["validation"] = target.sample(300, rng)
    shape = {"hidden": (8,), "residual": "none"}
    stack = Separate(2, shape, [0.3] * 2, [0, 1], [4000] * 2, np.zeros((2, 2)), [1.0] * 2)
    stack.initialise(data["train"][:, :50], [np.random.default_rng(k) for k in range(2)])
    learned = {(what, "separate", "samples"): stack for what in ("dae", "rcae")}
    window = np.array([[-3.0, 3.0], [-2.0, 2.0]])
    drawn = {
        seed: Points.drawn(target.sample(600, rng), window, np.random.default_rng([seed or 9, 1]))
        for seed in (None, 0, 1)
    }
    fitted = fits(target, data, shape, (3,))
    rows = list(summary_rows(target, learned, fitted, [0.3], drawn.get, window))
    table = pd.DataFrame(rows)
    keys = ["objective", "model", "sigma", "seed", "quantity"]
    assert not table.duplicated(keys).any()
    value = table[table["objective"] == "rcae"].set_index(["model", "quantity"])["value"]
    every = set(table.loc[table["model"] == "separate", "quantity"])
    for model in ("identity", "gaussian", "untrained", "kde"):
        own = table[table["model"] == model]
        assert np.isfinite(own["value"]).all()
        assert (own.groupby(["objective", "quantity"])["seed"].nunique() == 2).all()
        quantities = set(own["quantity"])
        if model == "identity":
            missing = {"asymmetry_traceless", "loss_shortfall", "energy_correlation"}
            assert missing | {"sigma_divergence", "rotational_fraction"} <= every - quantities
        else:
            assert every - quantities == ({"rotational_fraction"} if model == "kde" else set())
    assert value["identity", "hessian_error"].tolist() == [1, 1]
    assert value["gaussian", "asymmetry_traceless"].max() < 1e-12
    assert value["gaussian", "hessian_error"].max() < 0.01
    # of the true optimum it is 1, and sigma what it is
    np.testing.assert_allclose(value["gaussian", "loss_shortfall"], 1, atol=0.3)
    np.testing.assert_allclose(value["gaussian", "sigma_divergence"], 1, atol=0.1)
    np.testing.assert_allclose(value["identity", "sigma_loss"], 1, atol=0.1)
    assert value["kde", "hessian_error"].max() < 0.5 < value["untrained", "hessian_error"].min()
    assert value["untrained", "asymmetry_traceless"].min() > 0.01
    # each seed has points of its own
    assert value["identity", "sigma_loss"].nunique() == 2


def test_null_models_on_the_line_have_losses_and_fixed_points_in_closed_form():
    sigma, mean = 0.4, 0.4 * -0.5 + 0.6 * 0.7
    variance = 0.4 * (0.09 + 0.25) + 0.6 * (0.16 + 0.49) - mean**2
    stack = Separate(1, {"hidden": (4,)}, [sigma], [0], [np.inf], [[0.0]], [1.0])
    stack.initialise(np.zeros((1, 1)), [np.random.default_rng(0)])
    learned = {("dae", "separate", "exact"): stack}
    nothing = {"train": np.empty((1, 0, 1)), "validation": np.empty((0, 1))}
    fitted = fits(LINE, nothing, {"hidden": (4,), "residual": "none"}, (0,))
    table = line.loss_table(LINE, learned, np.array([sigma]), fitted).set_index("model")
    assert {"identity", "gaussian", "untrained"} <= set(table.index)
    assert table.loc["identity", "denoising"] == pytest.approx(sigma**2, rel=1e-9)
    wiener = variance * sigma**2 / (variance + sigma**2)
    assert table.loc["gaussian", "denoising"] == pytest.approx(wiener, rel=1e-4)
    # an affine r has the same denoising and contractive loss (P1)
    assert abs(table.loc["gaussian", "difference"]) < 1e-9
    curves = line.displacement_curves(LINE, learned, {"sigmas": [sigma]}, np.linspace(-2, 2, 501))
    fixed = line.fixed_point_table(curves, learned, fitted).set_index("model")
    assert "identity" not in fixed.index
    assert fixed.loc["gaussian", "x"] == pytest.approx(mean, abs=1e-3)
    assert bool(fixed.loc["gaussian", "stable"])


def test_flows_are_kept_on_a_grid_at_the_levels_that_all_fields_have():
    density = GaussianMixture([1.0], [[0.5, -1.0]], [0.5 * np.eye(2)])
    exact = {sigma: DenoisingOptimum(density, sigma) for sigma in (0.1, 0.2, 0.4)}
    window = np.array([[-2.0, 1.0], [0.0, 3.0]])
    arrays = plane.flows({"exact": exact, "separate": {0.4: exact[0.1], 0.1: exact[0.4]}}, window)
    np.testing.assert_array_equal(arrays["grid_sigmas"], [0.1, 0.4])
    corner = exact[0.4].move(np.array([[-2.0, 3.0]]))[0]  # the least x1, the greatest x2
    np.testing.assert_allclose(arrays["grid_exact"][1, 0, -1], corner, rtol=1e-6)
    np.testing.assert_array_equal(arrays["grid_separate"], arrays["grid_exact"][::-1])
