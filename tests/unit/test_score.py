import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import gaussian_kde

from autoscore.baselines.registry import BASELINES
from autoscore.densities.curves import Curve
from autoscore.densities.kernels import KernelDensity, fit_bandwidth
from autoscore.densities.mixtures import GaussianMixture
from autoscore.densities.registry import make_density
from autoscore.geometry import line
from autoscore.geometry.line import displacement_curves, fixed_point_table
from autoscore.models.conditioned.network import MARGIN, Conditioned
from autoscore.models.separate.network import Separate
from autoscore.nulls import fits
from autoscore.optimum.bias import optimal_field
from autoscore.optimum.curves import optimum_plane
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.score import factors, references
from autoscore.score import stage as score
from autoscore.score.estimates import baseline_rows, learned_rows
from autoscore.score.references import (
    Reference,
    empirical_reference,
    exact_clean_reference,
    exact_references,
    sampled_references,
    with_optimum,
)
from autoscore.score.stage import error_table, measure, optimum_rows
from tests.unit.oracles import CONFIG, THREE_WELLS

WELLS = make_density(THREE_WELLS)
GAUSSIAN = GaussianMixture([1], [[0.3]], [[[0.25]]])
MIXTURE = make_density(CONFIG["densities"]["mixture"])
CURVE = Curve(["t", "t**2"], (-1.0, 1.0))
SHAPE = {"hidden": (8,), "residual": "none"}  # of an untrained network
DEGENERATE = KernelDensity(np.array([[-0.5], [0.0], [0.5]]))


@pytest.fixture(autouse=True)
def coarse_solves(monkeypatch):
    for module in (score, references, line):
        monkeypatch.setattr(module, "GRID_POINTS", 4001)


def exact_separate(density, sigmas, *, seeds=1, size=np.inf, sign=1.0):
    """Auto-encoders whose field is that of a round Gaussian, as nearly as tanh is linear.

    net(z) = a tanh(b z) / b with a tiny b is a z: r = x - sigma^2 sign (x - mean) / (v + sigma^2).
    """
    sigma, seed = np.repeat(sigmas, seeds), np.tile(np.arange(seeds), len(sigmas))
    m, d, variance = len(sigma), density.dim, density.covariances[0, 0, 0]
    members = (sigma.tolist(), seed.tolist(), [size] * m, [density.means[0]] * m, [1.0] * m)
    stack = Separate(d, {"hidden": (d,), "residual": "score"}, *members)
    slope = torch.as_tensor(-sign / (variance + sigma**2))
    eye, zero = torch.eye(d, dtype=torch.float64), torch.zeros(m, 1, d, dtype=torch.float64)
    stack.theta = stack.pack(
        {
            "encoder.0.weight": 1e-6 * eye.expand(m, d, d),
            "encoder.0.bias": zero,
            "decoder.weight": 1e6 * slope[:, None, None] * eye,
            "decoder.bias": zero,
        }
    )
    return stack


def drawn(density, seed, train, validation=0, held_out=0):
    """Data as they are stored, of one seed and with so many points in each part."""
    rng = np.random.default_rng(seed)
    return {
        "train": density.sample(train, rng)[None],
        "validation": density.sample(validation, rng),
        "held_out": density.sample(held_out, rng),
    }


def at_levels(found):
    """References by level, the same for all seeds."""
    return lambda objective, sigma, seed: found[sigma]


# --- references ------------------------------------------------------------------


@pytest.mark.parametrize("objective", ["dae", "rcae"])
@pytest.mark.parametrize("density", [WELLS, MIXTURE], ids=["wells", "mixture"])
def test_a_reference_gives_0_to_the_truth_and_4_to_the_wrong_sign(density, objective):
    sigma = 0.2
    found = {reference.name: reference for reference in exact_references(density, objective, sigma)}
    assert found.keys() == {"p_sigma", "p", "optimum"}
    truth = {
        "p": density.score,
        "p_sigma": density.smoothed(sigma).score,
        "optimum": optimal_field(density, objective, sigma, 4001).score,
    }
    for name, reference in found.items():
        exact = truth[name](reference.x)
        assert reference.error(exact) == 0
        assert reference.error(-exact) == pytest.approx(4, rel=1e-12)
        assert reference.error(0 * exact) == pytest.approx(1, rel=1e-12)
        assert reference.error(1.1 * exact) == pytest.approx(0.01, rel=1e-10)


@pytest.mark.parametrize("objective", ["dae", "rcae"])
def test_references_stand_for_the_density_that_they_name(objective):
    """Fisher's identity, E|s|^2 = -E[div s], holds under the density of the score alone."""
    sigma = 0.3
    for reference in exact_references(MIXTURE, objective, sigma):
        density = MIXTURE.smoothed(sigma) if reference.name == "p_sigma" else MIXTURE
        if (objective, reference.name) == ("dae", "optimum"):
            density = MIXTURE.smoothed(sigma)
        assert reference.weights.sum() == pytest.approx(1, abs=1e-13)
        power = reference.weights @ density.score(reference.x)[:, 0] ** 2
        curvature = reference.weights @ density.hessian(reference.x)[:, 0, 0]
        assert power == pytest.approx(-curvature, rel=1e-8)


def test_degenerate_points_have_no_clean_score():
    for objective, names in (("dae", ["p_sigma", "optimum"]), ("rcae", ["p_sigma"])):
        assert [found.name for found in exact_references(DEGENERATE, objective, 0.1)] == names


def test_the_empirical_reference_is_the_softmax_mean_at_noisy_points():
    rng = np.random.default_rng(0)
    points, held_out = rng.standard_normal((30, 2)), rng.standard_normal((500, 2))
    reference = empirical_reference(points, held_out, 0.4, np.random.default_rng(1))
    noise = (reference.x - held_out) / 0.4
    assert noise.std() == pytest.approx(1, abs=5 / np.sqrt(2 * noise.size))
    log_share = -0.5 * ((reference.x[:, None] - points) ** 2).sum(-1) / 0.16
    share = np.exp(log_share - log_share.max(1, keepdims=True))
    mean = share @ points / share.sum(1, keepdims=True)
    np.testing.assert_allclose(reference.score, (mean - reference.x) / 0.16, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(reference.weights, 1 / 500)


# --- errors ------------------------------------------------------------------


@pytest.mark.parametrize(("sign", "expected"), [(1.0, 0.0), (-1.0, 4.0), (0.0, 1.0)])
def test_learned_fields_are_held_against_every_reference(sign, expected):
    sigmas = np.array([0.2, 0.5])
    stack = exact_separate(GAUSSIAN, sigmas, seeds=2, sign=sign)
    found = {sigma: exact_references(GAUSSIAN, "dae", sigma) for sigma in sigmas}
    rows = pd.DataFrame(learned_rows(stack, "separate", "dae", sigmas, at_levels(found)))
    assert len(rows) == 2 * 2 * 3  # levels, seeds, references
    assert set(rows["seed"]) == {0, 1}
    assert set(rows["n"]) == {np.inf}
    own = rows[rows["reference"] != "p"]
    np.testing.assert_allclose(own["relative_error"], expected, atol=1e-9)
    # against p the Gaussian's bias: 1 - sign v / (v + sigma^2)
    for sigma, group in rows[rows["reference"] == "p"].groupby("sigma"):
        bias = (1 - sign * 0.25 / (0.25 + sigma**2)) ** 2
        np.testing.assert_allclose(group["relative_error"], bias, atol=1e-9)


@pytest.mark.parametrize("objective", ["dae", "rcae"])
def test_the_optima_of_a_gaussian_are_biased_by_sigma_squared(objective):
    sigmas = np.array([0.1, 0.5])
    rows = pd.DataFrame(optimum_rows(GAUSSIAN, [objective], sigmas))
    assert set(rows["model"]) == {"exact"}
    assert sorted(rows["reference"].unique()) == ["p", "p_sigma"]
    clean = rows[rows["reference"] == "p"].set_index("sigma")["relative_error"]
    # both have the score -x / (v + sigma^2): relative to -x / v they fall short by sigma^2 share
    expected = (sigmas**2 / (0.25 + sigmas**2)) ** 2
    np.testing.assert_allclose(clean[sigmas], expected, rtol=1e-3)
    smoothed = rows[rows["reference"] == "p_sigma"]["relative_error"]
    np.testing.assert_allclose(smoothed, 0, atol=1e-6)


def test_a_conditioned_field_is_measured_at_every_level():
    stack = Conditioned(1, 4, 1, 0.1, 1.0, [0, 1], [9, 9], [[0.0]] * 2, [1.0] * 2, [0.0] * 2)
    stack.initialise([np.random.default_rng(k) for k in range(2)])
    sigmas = np.array([0.1, 0.4, 1.0])
    found = {sigma: exact_references(GAUSSIAN, "dae", sigma) for sigma in sigmas}
    rows = pd.DataFrame(learned_rows(stack, "conditioned", "dae", sigmas, at_levels(found)))
    assert len(rows) == 3 * 2 * 3
    assert set(rows["n"]) == {9}
    np.testing.assert_allclose(rows["relative_error"], 1, atol=1e-4)  # it starts as the identity


def test_null_models_are_measured_wherever_a_model_is():
    """Their errors are those of SciPy's kernel estimate, of a Gaussian and of nothing at all."""
    rng = np.random.default_rng(2)
    data = {"train": GAUSSIAN.sample(400, rng).reshape(2, 200, 1)}
    data["validation"] = GAUSSIAN.sample(200, rng)
    at = {(100, 1): {0.1: ["dae", "rcae"]}, (np.inf, 0): {0.1: ["dae"], 0.4: ["dae"]}}
    clean = exact_clean_reference(GAUSSIAN)

    def references(objective, sigma, seed):
        return exact_references(GAUSSIAN, objective, sigma) if sigma else [clean]

    fitted = fits(GAUSSIAN, data, SHAPE, (0, "nulls"))
    rows = pd.DataFrame(baseline_rows(fitted, at, references))
    sample, exact = rows[np.isfinite(rows["n"])], rows[np.isinf(rows["n"])]
    assert set(exact["model"]) == {"identity", "gaussian", "untrained"}  # it has no sample
    assert set(sample["model"]) == {"identity", "gaussian", "untrained", "kde"}
    keys = ["model", "objective", "sigma", "seed", "n", "reference"]
    assert not rows.duplicated(keys).any()
    error = rows.set_index(["model", "n", "objective", "sigma", "reference"])["relative_error"]
    assert error["identity"].to_numpy() == pytest.approx(1, abs=1e-12)
    assert error["gaussian", np.inf, "dae", 0.4, "p_sigma"] < 1e-5
    points = data["train"][1, :100]
    mean, variance = points.mean(), points.var()
    bandwidth = fit_bandwidth(points, data["validation"]).bandwidth
    for sigma, name, x, weights in (
        (0.1, "p_sigma", *GAUSSIAN.smoothed(0.1).quadrature(60)),
        (0.0, "p", *GAUSSIAN.quadrature(60)),
        (0.1, "p", *GAUSSIAN.quadrature(60)),
    ):
        target = -(x - 0.3) / (0.25 + sigma**2 * (name == "p_sigma"))
        norm = weights @ target**2
        wide = np.hypot(bandwidth, sigma)
        kernel = gaussian_kde(points.T, wide / points.std(ddof=1))
        slope = (np.log(kernel((x + 1e-5).T)) - np.log(kernel((x - 1e-5).T))) / 2e-5
        for model, estimate in (
            ("kde", slope[:, None]),
            ("gaussian", -(x - mean) / (variance + sigma**2)),
        ):
            expected = (weights @ (estimate - target) ** 2 / norm).item()
            found = error[model, 100, "dae", sigma, name]
            assert found == pytest.approx(expected, rel=1e-4), (model, sigma, name)
            if sigma:
                assert error[model, 100, "rcae", sigma, name] == found


def test_every_seed_has_draws_and_noise_of_its_own():
    """An error over points of one's own differs between seeds of one and the same field."""
    plane = GaussianMixture([1], [[0.0, 0.0]], [np.diag([0.3, 0.6])])
    data, sigmas = drawn(plane, 11, 50, held_out=500), [0.3]
    data["train"] = np.repeat(data["train"], 3, axis=0)
    learned = {("dae", "separate", "samples"): exact_separate(plane, sigmas, seeds=3, size=50)}
    stack = learned["dae", "separate", "samples"]
    stack.theta[:] = 0.9 * stack.theta[:1]
    settings = {"sigmas": sigmas, "baselines": [], "architecture": SHAPE}
    table = measure("plane", settings, data, plane, learned, (0, "score", "plane"))["errors"]
    for model in ("separate", "gaussian"):
        part = table[(table["model"] == model) & (table["sigma"] > 0)]
        found = part.groupby("reference")["relative_error"].agg(["size", "nunique"])
        assert (found == 3).all(axis=None)
    again = measure("plane", settings, data, plane, learned, (0, "score", "plane"))["errors"]
    pd.testing.assert_frame_equal(table, again)


@pytest.mark.parametrize("kind", ["line", "curve", "points"])
def test_every_density_has_each_null_model_at_each_level_and_seed(kind):
    """With all else equal, a query finds as many rows of a null model as of a trained one."""
    density = {"line": GAUSSIAN, "curve": CURVE, "points": DEGENERATE}[kind]
    held_out = 40 if kind == "curve" else 0
    data = drawn(density, 3, 60, 0 if kind == "points" else 50, held_out)
    size = np.inf if kind == "points" else 60
    stack = Separate(density.dim, SHAPE, [0.2, 0.5] * 2, [0, 0, 1, 1], [size] * 4,
                     np.zeros((4, density.dim)), [1.0] * 4)  # fmt: skip
    stack.theta = torch.zeros(4, sum(np.prod(shape) for shape in stack.shapes().values()))
    data["train"] = np.repeat(data["train"], 2, axis=0)
    settings = {"sigmas": [0.2, 0.5], "baselines": [], "architecture": SHAPE}
    learned = {("dae", "separate", "samples"): stack}
    table = measure("it", settings, data, density, learned, (0, "score", "it"))["errors"]
    keys = ["objective", "sigma", "seed", "n", "reference"]
    expected = table.loc[table["model"] == "separate", keys]
    nulls = [b.name for b in BASELINES.values() if b.null and (kind != "points" or b.of_density)]
    assert len(nulls) == (3 if kind == "points" else 4)
    for name in nulls:
        both = expected.merge(table[table["model"] == name], on=keys, how="left")
        assert len(both) == len(expected)
        assert np.isfinite(both["relative_error"]).all()


def test_a_density_gets_one_tidy_table():
    sigmas = [0.2, 0.5]
    # of so many units the mean is close to 0
    settings = {"sigmas": sigmas, "baselines": [], "architecture": SHAPE | {"hidden": (1000,)}}
    data = drawn(GAUSSIAN, 3, 50, 50)
    learned = {
        ("dae", "separate", "exact"): exact_separate(GAUSSIAN, sigmas),
        ("dae", "separate", "samples"): exact_separate(GAUSSIAN, sigmas, size=50, sign=-1),
        ("rcae", "separate", "exact"): exact_separate(GAUSSIAN, sigmas),
    }
    tables = measure("gaussian", settings, data, GAUSSIAN, learned, (0, "score"))
    table, choices = tables["errors"], tables["choices"]
    assert choices.empty
    check_factors(tables["factors"])
    assert list(table.columns) == score.COLUMNS
    assert table["seed"].dtype == "Int64"
    assert (table["density"] == "gaussian").all()
    assert table.groupby(["objective", "model"]).size().to_dict() == {
        ("dae", "exact"): 4,
        ("dae", "separate"): 12,
        ("dae", "identity"): 13,
        ("dae", "gaussian"): 13,
        ("dae", "kde"): 7,  # of the points alone
        ("dae", "untrained"): 12,  # it has no clean score
        ("rcae", "exact"): 4,
        **{("rcae", name): 6 for name in ("separate", "identity", "gaussian", "untrained")},
    }
    optimum = table[(table["model"] == "separate") & (table["reference"] == "optimum")]
    for (objective, n), part in optimum.groupby(["objective", "n"]):
        expected = 4 if (objective, n) == ("dae", 50) else 0
        np.testing.assert_allclose(part["relative_error"], expected, atol=1e-6)


def check_factors(table):
    """Hold the factors of a Gaussian of variance 1/4 against closed forms."""
    assert list(table.columns) == factors.COLUMNS
    assert set(table["reference"]) == {"p", "p_sigma"}
    assert set(table["model"]) == {"exact", "separate", "identity", "gaussian", "untrained", "kde"}
    clean = np.where(table["reference"] == "p", 1 / (1 + 4 * table["sigma"] ** 2), 1.0)
    wrong = np.where(table["n"] == 50, -1.0, 1.0)
    learned = (table["model"] == "separate").to_numpy()
    best = (table["model"] == "exact") & (table["objective"] == "dae")
    for those, signs in ((learned, wrong[learned]), (best, 1.0)):
        part, factor = table[those], signs * clean[those]
        np.testing.assert_allclose(part["factor"], factor, rtol=1e-4)
        np.testing.assert_allclose(part["quarter_1"], factor, rtol=1e-4)
        np.testing.assert_allclose(part["direction"], np.sign(factor), rtol=1e-6)
        np.testing.assert_allclose(part[["spread", "left"]], 0, atol=1e-3)
    nulls = table.set_index("model")
    assert (nulls.loc["identity", "left"] == 1).all()
    # an untrained network moves to about the mean: that of 50 points, as the Gaussian's
    assert nulls.loc[["gaussian", "untrained"], "left"].max() < 0.05
    noisy = nulls[nulls["reference"] == "p_sigma"].loc["untrained"]
    np.testing.assert_allclose(noisy["factor"], 1 + 0.25 / noisy["sigma"] ** 2, rtol=0.1)
    fitted = nulls.index == "gaussian"
    np.testing.assert_allclose(nulls.loc["gaussian", "factor"], clean[fitted], rtol=0.3)


@pytest.mark.parametrize("target", [MIXTURE, WELLS], ids=["mixture", "wells"])
def test_the_factor_of_the_clean_score_falls_as_the_leading_term_says(target):
    """factor = 1 - sigma^2 E[(lap p / p)^2] / (2 E|s|^2) + O(sigma^4), and the rest has order 4."""
    x, weights = target.quadrature(60)
    clean = Reference("p", x, weights, target.score(x))
    bend = target.hessian(x)[:, 0, 0] + target.score(x)[:, 0] ** 2  # p'' / p
    expected = 0.5 * (weights @ bend**2) / (weights @ target.score(x)[:, 0] ** 2)
    found = [clean.compared(DenoisingOptimum(target, s).score(x)) for s in (0.002, 0.004)]
    for sigma, row in zip((0.002, 0.004), found, strict=True):
        assert (1 - row["factor"]) / sigma**2 == pytest.approx(expected, rel=2e-2)
    assert found[1]["left"] / found[0]["left"] == pytest.approx(2**4, rel=0.05)


def test_the_optima_in_the_plane_are_compared_with_the_clean_score():
    plane, sigmas = GaussianMixture([1], [[0.0, 0.0]], [0.5 * np.eye(2)]), [0.3, 0.5]
    held_out = plane.sample(1200, np.random.default_rng(0))

    def at(objective, sigma, seed):
        best = DenoisingOptimum(plane, sigma)  # stands for the contractive one as well
        noise, given = np.random.default_rng(1), best if sigma < 0.4 else None
        return with_optimum(sampled_references(plane, sigma, held_out, noise), objective, given)

    rows = list(factors.optimum_factors(plane, ["dae", "rcae"], sigmas, at))
    assert [(row["objective"], row["sigma"]) for row in rows] == [
        ("dae", 0.3), ("dae", 0.5), ("rcae", 0.3),
    ]  # fmt: skip
    for row in rows:
        assert row["factor"] == pytest.approx(0.5 / (0.5 + row["sigma"] ** 2))
        assert row["left"] < 1e-12


def test_a_sample_file_is_measured_against_its_empirical_optimum():
    data = drawn(GAUSSIAN, 4, 60, 20, 20)
    density = KernelDensity(data["train"][0])
    settings = {"sigmas": [0.5], "baselines": [], "architecture": SHAPE}
    learned = {("dae", "separate", "samples"): exact_separate(GAUSSIAN, [0.5], size=60, sign=0)}
    table = measure("file", settings, data, density, learned, (0, "score"))["errors"]
    nulls = table[table["model"] != "separate"]
    assert sorted(nulls["model"]) == ["gaussian", "identity", "kde", "untrained"]
    table = table[table["model"] == "separate"]
    assert table["reference"].tolist() == ["optimum"]
    np.testing.assert_allclose(table["relative_error"], 1, atol=1e-12)  # the identity's error


def test_in_the_plane_references_are_at_draws():
    """The same identity and the same zeros as by quadrature, at the rate of sampling."""
    plane = GaussianMixture([1, 1], [[-0.5, 0.0], [0.5, 0.3]], [0.2 * np.eye(2)] * 2)
    held_out = plane.sample(4000, np.random.default_rng(5))
    for objective, names in (("dae", {"p_sigma", "optimum", "p"}), ("rcae", {"p_sigma", "p"})):
        found = sampled_references(plane, 0.4, held_out, np.random.default_rng(6))
        found = with_optimum(found, objective)
        assert {reference.name for reference in found} == names
        for reference in found:
            density = plane if reference.name == "p" else plane.smoothed(0.4)
            assert reference.error(density.score(reference.x)) == 0
            assert reference.error(-density.score(reference.x)) == pytest.approx(4)
            # Fisher's identity, which at draws from the other density fails by a factor of 1.7
            power = reference.weights @ (density.score(reference.x) ** 2).sum(-1)
            curvature = reference.weights @ np.trace(density.hessian(reference.x), axis1=1, axis2=2)
            assert power == pytest.approx(-curvature, rel=0.1)


def test_a_density_in_the_plane_gets_its_table():
    plane = GaussianMixture([1], [[0.0, 0.0]], [np.eye(2)])
    data, sigmas = drawn(plane, 7, 300, 200, 500), [0.2, 0.6]
    # trained a little beyond the levels that were asked for
    ends = (0.2 / MARGIN, 0.6 * MARGIN)
    stack = Conditioned(2, 4, 1, *ends, [0], [300], [[0.0, 0.0]], [1.0], [0.5])
    stack.initialise([np.random.default_rng(0)])
    # nearly the identity: levels that are all of them just that could not be told apart
    stack.theta += 1e-6 * torch.randn(stack.theta.shape, generator=torch.manual_seed(0))
    settings = {"sigmas": sigmas, "baselines": ["kernel"], "architecture": SHAPE}
    wider = Conditioned(2, 4, 1, 0.1, 4.0, [0], [300], [[0.0, 0.0]], [1.0], [0.5])
    wider.initialise([np.random.default_rng(0)])
    learned = {("dae", "conditioned", "samples"): stack, ("dae", "wider", "samples"): wider}
    tables = measure("plane", settings, data, plane, learned, (0, "score"))
    table, choices = tables["errors"], tables["choices"]
    own = table[table["model"] == "conditioned"]
    assert sorted(own["reference"]) == ["optimum"] * 2 + ["p"] * 2 + ["p_sigma"] * 2
    np.testing.assert_allclose(own["relative_error"], 1, atol=1e-4)  # it starts as the identity
    kde = table[(table["model"] == "kde") & (table["reference"] != "optimum")]
    assert sorted(kde["sigma"]) == [0.0, 0.2, 0.2, 0.6, 0.6]
    assert kde.set_index(["sigma", "reference"])["relative_error"][0.6, "p"] > 0.05  # of the noise
    kde = kde[(kde["reference"] == "p_sigma") | (kde["sigma"] == 0)]
    assert (kde["relative_error"] < 0.5).all()
    kernel = table[table["model"] == "kernel"]
    assert kernel[["objective", "sigma", "reference"]].to_numpy().tolist() == [["ism", 0, "p"]]
    assert (kernel["relative_error"] < 0.1).all()
    # levels of nearly the identity are nearly the identity, unless their difference is blown up
    combined = {"single", "extrapolated", "combined"}
    rows = table[table["model"].isin(combined)]
    assert set(rows["model"]) == set(choices["model"]) == combined
    assert set(zip(rows["sigma"], rows["reference"], strict=True)) == {(0.0, "p")}
    # one row each: those of a model on another noise grid could not be told from them
    assert set(choices["trained"]) == {"conditioned"}
    assert len(rows) == len(combined)
    # levels are those asked for, and not those beyond
    fitted = choices[choices["levels"] == choices["levels"].max()]
    assert (fitted[["low", "high"]] - [0.2, 0.6]).abs().to_numpy().max() < 1e-12
    assert choices["low"].min() > 0.2 - 1e-12
    assert choices["high"].max() < 0.6 + 1e-12
    plain = rows[rows["model"] != "combined"]
    np.testing.assert_allclose(plain["relative_error"], 1, atol=1e-4)
    assert (rows["relative_error"] < 1 + 1e-4).all()


@pytest.mark.parametrize("change", [9e-4, 1.1e-3])
def test_solved_optima_in_the_plane_are_a_reference_where_the_grid_resolves_them(change):
    """A learned field that is the contractive optimum of a Gaussian has no error against it."""
    plane, sigmas = GaussianMixture([1], [[0.0, 0.0]], [0.5 * np.eye(2)]), np.array([0.3, 0.5])
    bias = {
        "objective": ["dae", "rcae"],
        "sigma": 0.5,
        "relative_error": [0.24, 0.25],
        "predicted": 1.0,
        "discretisation": [1.0, change],  # that of the other objective says nothing
    }
    solved = optimum_plane(plane, sigmas[1:], 101), pd.DataFrame(bias)
    data, settings = (
        drawn(plane, 11, 50, held_out=500),
        {"sigmas": sigmas, "baselines": [], "architecture": SHAPE},
    )
    learned = {("rcae", "separate", "samples"): exact_separate(plane, sigmas, size=50)}
    table = measure("plane", settings, data, plane, learned, (0, "score"), solved)["errors"]
    exact = table[table["model"] == "exact"]
    columns = ["objective", "sigma", "reference", "relative_error", "n"]
    rows = [["dae", 0.5, "p", 0.24, np.inf], ["rcae", 0.5, "p", 0.25, np.inf]]
    assert exact[columns].to_numpy().tolist() == rows
    own = table[table["model"] == "separate"].set_index(["sigma", "reference"])["relative_error"]
    assert (0.3, "optimum") not in own.index  # this level was not solved
    assert ((0.5, "optimum") in own.index) == (change < 1e-3)
    assert own.get((0.5, "optimum"), 0.0) < 1e-4
    assert own[0.5, "p_sigma"] < 1e-12
    for sigma in sigmas:
        bias = (sigma**2 / (0.5 + sigma**2)) ** 2
        assert own[sigma, "p"] == pytest.approx(bias, rel=1e-9)


def test_a_score_without_noise_is_held_against_the_clean_score_alone():
    """Sliced score matching: one row per member, at sigma 0."""
    plane = GaussianMixture([1], [[0.0, 0.0]], [np.eye(2)])
    data = drawn(plane, 12, 50, 50, held_out=100)
    stack = Conditioned(2, 4, 1, 0.1, 0.9, [0, 1], [50] * 2, [[0.0] * 2] * 2, [1.0] * 2, [0.5] * 2)
    stack.initialise([np.random.default_rng(k) for k in range(2)])
    settings = {"sigmas": [0.2, 0.6], "baselines": [], "architecture": SHAPE}
    learned = {("ssm", "sliced", "samples"): stack}
    table = measure("plane", settings, data, plane, learned, (0, "score"))["errors"]
    nulls = table[(table["model"] != "sliced") & (table["objective"] == "ssm")]
    assert sorted(nulls["model"].unique()) == ["gaussian", "identity", "kde"]
    assert (nulls.groupby("model")["seed"].nunique() == 2).all()
    table = table[table["model"] == "sliced"]
    assert table[["model", "sigma", "seed", "reference"]].to_numpy().tolist() == [
        ["sliced", 0.0, 0, "p"],
        ["sliced", 0.0, 1, "p"],
    ]
    np.testing.assert_allclose(table["relative_error"], 1, atol=1e-4)


def test_no_rows_make_an_empty_table():
    assert list(error_table("none", iter([])).columns) == score.COLUMNS


# --- curves and fixed points -------------------------------------------------


def test_displacements_are_r_minus_x():
    sigmas, x = [0.2, 0.5], np.linspace(-1, 1, 5)
    learned = {
        ("dae", "separate", "exact"): exact_separate(GAUSSIAN, sigmas, seeds=2),
        ("dae", "separate", "samples"): exact_separate(GAUSSIAN, sigmas, size=50, sign=-1),
        ("rcae", "separate", "exact"): exact_separate(GAUSSIAN, sigmas, seeds=2),
    }
    curves = displacement_curves(GAUSSIAN, learned, {"sigmas": sigmas}, x)
    assert curves.keys() == {"x", "sigmas", "dae", "rcae", "best_dae", "best_rcae"}
    for level, sigma in enumerate(sigmas):
        expected = -(sigma**2) * (x - 0.3) / (0.25 + sigma**2)
        for objective in ("dae", "rcae"):
            np.testing.assert_allclose(curves[f"best_{objective}"][level], expected, atol=1e-5)
            for seed in range(2):
                np.testing.assert_allclose(curves[objective][level, seed], expected, atol=1e-10)


def test_degenerate_points_have_no_contractive_curve():
    stacks = {(o, "separate", "exact"): exact_separate(GAUSSIAN, [0.2]) for o in ("dae", "rcae")}
    settings = {"sigmas": [0.2]}
    curves = displacement_curves(DEGENERATE, stacks, settings, np.linspace(-1, 1, 5))
    assert curves.keys() == {"x", "sigmas", "dae", "rcae", "best_dae"}


def test_a_variant_has_a_curve_at_levels_of_its_own():
    own, x = [0.4, 0.7], np.linspace(-1, 1, 5)
    variant = exact_separate(GAUSSIAN, own, seeds=2)
    stacks = {
        ("rcae", "separate", "exact"): exact_separate(GAUSSIAN, [0.2]),
        ("rcae", "large", "exact"): variant,
        ("ssm", "sliced", "samples"): variant,
    }
    curves = displacement_curves(DEGENERATE, stacks, {"sigmas": [0.2]}, x)
    assert curves.keys() == {"x", "sigmas", "rcae", "sigmas_large", "rcae_large"}
    assert curves["sigmas_large"].tolist() == own
    for level, sigma in enumerate(own):
        expected = -(sigma**2) * (x - 0.3) / (0.25 + sigma**2)
        np.testing.assert_allclose(curves["rcae_large"][level], [expected] * 2, atol=1e-10)


def test_the_fixed_points_of_three_points_alternate():
    """C2: fixed points at the data attract, those half-way repel."""
    x = np.linspace(-0.75, 0.75, 1000)  # an even number: 0 is no node
    best = (DenoisingOptimum(DEGENERATE, 0.1)(x[:, None]) - x[:, None])[:, 0]
    curves = {"x": x, "sigmas": [0.1], "best_dae": best[None], "dae": np.stack([[best, -best]])}
    table = fixed_point_table(curves)
    for (model, seed), part in table.groupby(["model", "seed"], dropna=False):
        np.testing.assert_allclose(part["x"], [-0.5, -0.25, 0, 0.25, 0.5], atol=1e-4)
        flipped = model == "separate" and seed == 1
        assert part["stable"].tolist() == [k % 2 == flipped for k in range(5)]
    assert len(table) == 15
    assert table["seed"].dtype == "Int64"


def test_the_exact_optimum_of_three_points_has_five_fixed_points_on_the_stored_grid():
    curves = displacement_curves(
        DEGENERATE,
        {("dae", "separate", "exact"): exact_separate(GAUSSIAN, [0.1])},
        {"sigmas": [0.1]},
        np.linspace(-0.75, 0.75, 1001),
    )
    assert (fixed_point_table(curves)["model"] == "exact").sum() == 5
